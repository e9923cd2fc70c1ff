# Run in mounts and processes of its own: enters the arm64 Debian in $1.
set -e
root=$1
shift
formats=/proc/sys/fs/binfmt_misc
[ -e $formats/register ] || mount -t binfmt_misc binfmt_misc $formats
[ -e $formats/qemu-aarch64 ] ||
  grep -h . /usr/lib/binfmt.d/qemu-aarch64.conf > $formats/register ||
  [ -e $formats/qemu-aarch64 ] # another test has just done it
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
mkdir -p "$root/run/systemd/system"
# Not `exec`: what finds itself to be process 1 does not find that it is in a chroot.
chroot "$root" "$@"
