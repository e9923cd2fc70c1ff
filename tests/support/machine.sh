# Sourced by a shell in namespaces of its own: makes a machine of $1, which keeps its places.
set -e
mount --make-rprivate /
ip link set lo up
for place in var/lib var/backups etc/mosquitto; do
  mkdir -p "/$place"
  mount --bind "$1/$place" "/$place"
done
echo '127.0.0.1 localhost broker.testville.example volet.example' > "$1/etc/hosts"
mount --bind "$1/etc/hosts" /etc/hosts
# Names of serial devices are made in /dev, so it is its own; the devices are this machine's.
mount -t tmpfs dev "$1/dev"
for device in full null random tty urandom zero; do
  : > "$1/dev/$device"
  mount --bind "/dev/$device" "$1/dev/$device"
done
mkdir "$1/dev/pts" "$1/dev/shm"
mount --bind /dev/shm "$1/dev/shm" # where $1 itself may lie
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
ln -s pts/ptmx "$1/dev/ptmx"
ln -s /proc/self/fd "$1/dev/fd"
ln -s /proc/self/fd/0 "$1/dev/stdin"
ln -s /proc/self/fd/1 "$1/dev/stdout"
mount --rbind "$1/dev" /dev
set +e
