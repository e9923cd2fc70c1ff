"""System services that all parties share; independent of what each party does.

addresses       by which others reach this machine
answering       a program that answers on its sockets, and calls nobody
at_home         who is of the home's network
backup/         encrypted backups of a party's directory
bare_structlog  structlog without what it would load for nothing, 8 MB of each program
beside          a task beside a block
certificates    lifetimes, and warnings before they end
clock           time as an injected value
commands        commands that load lazily
conditions      lasting conditions, logged once and counted
connections     few for each address, and always room for whoever calls
counted_http    what servers share of HTTP on such connections
console         tables and plain text
files           secrets and documents, written completely or not at all
findings        what a party's `doctor` finds wrong, and how it is told
heap            memory given back once it is free
kernel_clock    whether the kernel's clock is right, and which boot this is
listening       an address of this machine to listen on
locks           one process at a time
logs            logging, configured alike for all programs
machine_checks  what may be wrong with any party's machine and files
metrics         written to InfluxDB, and never of a household
mqtt/           the broker, for programs on asyncio
pace            how often something may come from each of many
passphrase      passphrases from a prompt or a file
patience        limits by lack of progress
private_keys    private keys in PEM, drawn, read and named to whoever certifies them
process_status  what Linux tells of a process
program         runs a program on asyncio to its end
read_only       databases on read-only disks
schema_version  which versions of a database's schema a program can use
secret_memory   memory kept out of core dumps and of swap
set_aside       what a program cannot handle, set aside so that the rest goes on
shell           values quoted in commands that people type
sqlite_errors   which errors of SQLite a value causes, and which the file
store_thread    the single thread that owns a store
swap            whether memory may be written to a disk
systemd         what systemd gives a program, and is told by it
templates       HTML templates, escaped
tls             TLS, configured alike for all programs
watched         files that commands write while a program runs
"""
