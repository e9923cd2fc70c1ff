"""What all parties need of the machine they run on, and nothing of what any of them does.

backup/       encrypted backups of a party's directory
certificates  lifetimes, and what is said when they end
clock         time as a value that is handed in
commands      commands that load lazily
conditions    what lasts is logged once, and counted
console       tables and plain text
files         secrets and documents, written whole or not at all
kernel_clock  whether the kernel's clock is right, and which boot this is
locks         one process at a time
logs          the one way in which a program of Volet logs
mqtt/         the broker, for programs on asyncio
passphrase    asked for, or read from a file
patience      limits by lack of progress
program       a program on asyncio, run to its end
read_only     databases on read-only disks
shell         values quoted in commands that people type
store_thread  the one thread that owns a store
tls           the one way in which a program of Volet speaks TLS
watched       files that commands write while a program runs
"""
