"""No module stores what only a library's own reader opens; see docs/reference/formats.md."""

import ast

import pytest

from tests.support.product import ROOT, sources_with

# What writes and reads objects in a form of its own.
MODULES = {"pickle", "marshal", "shelve", "dbm", "copyreg", "dill", "cloudpickle", "joblib", "h5py"}
CALLS = {
    *("np.save", "np.savez", "np.savez_compressed", "np.load", "np.fromfile", "np.savetxt"),
    *("numpy.save", "numpy.load", "numpy.fromfile"),
}
METHODS = {"tofile", "dumps_pickle", "to_pickle", "read_pickle", "__reduce__", "__getstate__"}
# zstd stands between SEAL and us, in memory.
ONE_PLACE = {"zstandard": "protocol/seal_form.py", "tenseal": "protocol/seal.py"}


def sources():
    methods = {call.rpartition(".")[2] for call in CALLS} | METHODS
    for path in sources_with(MODULES | methods | ONE_PLACE.keys()):
        yield path.relative_to(ROOT).as_posix(), path.read_text("utf-8")


def imported(node):
    match node:
        case ast.Import(names=names):
            return {each.name.split(".")[0] for each in names}
        case ast.ImportFrom(module=str(module)):
            return {module.split(".")[0]}
    return set()


def forms_of_libraries(path, text):
    """Return what in a module stores in, or reads, a form of a library's own."""
    found = set()
    for node in ast.walk(ast.parse(text)):
        modules = imported(node)
        found |= modules & MODULES
        found |= {each for each in modules & ONE_PLACE.keys() if path != ONE_PLACE[each]}
        if isinstance(node, ast.Attribute):
            found |= {ast.unparse(node)} & CALLS | {node.attr} & METHODS
    return found


def test_nothing_is_stored_in_a_form_of_a_librarys_own():
    assert {
        path: found for path, text in sources() if (found := forms_of_libraries(path, text))
    } == {}


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from joblib import dump",
        "import zstandard",
        "from tenseal import sealapi",
        "np.save(path, values)",
        "values.tofile(path)",
        "frame.to_pickle(path)",
    ],
)
def test_such_a_form_is_seen(line):
    assert forms_of_libraries("cloud/new.py", line)
