// Refreshes the values of the line, and the wait for the button, while the page is looked at; all
// works without it.
if (document.querySelector("[data-look-again]")) {
  setTimeout(() => location.reload(), 3000);
}
const live = document.getElementById("live");
if (live && window.EventSource) {
  let source = null;
  const listen = () => {
    if (document.hidden) {
      source?.close();
      source = null;
    } else if (!source) {
      source = new EventSource("/live");
      source.onmessage = (event) => {
        live.replaceChildren(
          ...JSON.parse(event.data).map((text) => {
            const item = document.createElement("li");
            item.textContent = text;
            return item;
          }),
        );
      };
    }
  };
  document.addEventListener("visibilitychange", listen);
  listen();
}
