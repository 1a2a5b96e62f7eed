// One run at a time writes into a results folder: a lock beside its manifest says which.

/** The lock of a results folder. */
def lockFile(outdir) {
    return outdir.resolve('pipeline_info/lock.json')
}

/**
 * Take the lock of the results folder for a run, or stop with the run that has it.
 *
 * The lock of a process of this host that is no more is taken over; whether one of another host still lives cannot be
 * seen from here, so that needs `force`.
 */
def takeLock(outdir, run, force) {
    def lock = lockFile(outdir)
    java.nio.file.Files.createDirectories(lock.parent)
    def text = groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson(ownLock(run)))
    takeOver(outdir, lock, text, force, 5)
    // also where the script ends by an error before the first task, where no handler is called, and after Ctrl-C
    Runtime.runtime.addShutdownHook(new Thread({ releaseLock(lock, text) } as Runnable))
    return [file: lock, text: text]
}

/** Write the lock; stale ones are taken out of the way, at most so many times. */
def takeOver(outdir, lock, text, force, tries) {
    if (created(lock, text)) {
        return null
    }
    def held = readLock(lock)
    if (held != null) {   // else its run ended meanwhile
        def fault = lockFault(outdir, held, force)
        if (fault || tries == 0) {
            error(fault ?: "${lock}: cannot be taken; other runs take it at the same time")
        }
        log.warn("${outdir}: the lock of run ${held.run_name} (process ${held.pid} on ${held.host}) is stale and was taken over")
        setAside(lock, held)
    }
    return takeOver(outdir, lock, text, force, tries - 1)
}

/** Give the lock back where it is still the one that was taken. */
def releaseLock(lock, text) {
    if (java.nio.file.Files.exists(lock) && lock.text == text) {
        java.nio.file.Files.deleteIfExists(lock)
    }
    return null
}

/** What a lock says of this process. */
def ownLock(run) {
    def process = ProcessHandle.current()
    return [
        host: hostName(),
        pid: process.pid(),
        process_started: process.info().startInstant().map { instant -> instant.toString() }.orElse(null),
        user: System.getProperty('user.name'),
        run_id: run.run_id,
        run_name: run.run_name,
        started: run.started,
    ]
}

def hostName() {
    try {
        return InetAddress.localHost.hostName
    }
    catch (UnknownHostException _nameless) {
        return System.getenv('HOSTNAME') ?: 'localhost'
    }
}

/** Write a file that is not there yet; false where it is. */
def created(lock, text) {
    // whole at once: a link to a file of one's own. A reader never sees half of it
    def part = java.nio.file.Files.createTempFile(lock.parent, '.lock.', '.json')
    part.text = text
    def made = linked(lock, part)
    java.nio.file.Files.deleteIfExists(part)
    return made == null ? createdWithoutLink(lock, text) : made
}

/** Whether a file could be given a second name; null where the file system has no links. */
def linked(lock, part) {
    try {
        java.nio.file.Files.createLink(lock, part)
        return true
    }
    catch (java.nio.file.FileAlreadyExistsException _held) {
        return false
    }
    catch (UnsupportedOperationException | java.nio.file.FileSystemException _no_links) {
        return null
    }
}

/** The same on a file system without hard links. */
def createdWithoutLink(lock, text) {
    try {
        java.nio.file.Files.write(lock, text.getBytes('UTF-8'), java.nio.file.StandardOpenOption.CREATE_NEW, java.nio.file.StandardOpenOption.WRITE)
        return true
    }
    catch (java.nio.file.FileAlreadyExistsException _held) {
        return false
    }
}

/** What a lock says; null where it is gone. */
def readLock(lock) {
    try {
        return new groovy.json.JsonSlurper().parseText(lock.text)
    }
    catch (java.nio.file.NoSuchFileException | FileNotFoundException _gone) {
        return null
    }
    catch (groovy.json.JsonException | IllegalArgumentException _torn) {
        return [run_name: 'unknown', host: 'unknown', pid: 'unknown', started: 'an unknown time', user: 'unknown']
    }
}

/** Why a lock cannot be taken over, with the way out; null where it can. */
def lockFault(outdir, held, force) {
    def holder = "run ${held.run_name} (session ${held.run_id}, process ${held.pid} on ${held.host}, started by ${held.user} at ${held.started})"
    if (held.host == hostName()) {
        return isAlive(held)
            ? "--outdir ${outdir}: ${holder} is writing into it; wait for its end (kill ${held.pid} ends it), or name another --outdir"
            : null
    }
    return force
        ? null
        : "--outdir ${outdir}: ${holder} is writing into it; wait for its end, or name another --outdir. If that process no longer exists (check by ps -p ${held.pid} on ${held.host}), add --force_unlock"
}

/** Whether the process of a lock of this host lives, and is not another one with its number. */
def isAlive(held) {
    def process = ProcessHandle.of(held.pid as Long).orElse(null)
    if (process == null || !process.isAlive()) {
        return false
    }
    def started = process.info().startInstant().orElse(null)
    if (started == null || held.process_started == null) {
        return true
    }
    // the kernel counts from the start of the machine, whose time shifts when its clock is set: the same process may
    // seem to have started a moment earlier or later
    return java.time.Duration.between(started, java.time.Instant.parse(held.process_started.toString())).abs().toMinutes() < 2
}

/** Take a stale lock out of the way, unless another run was faster and this is its own. */
def setAside(lock, held) {
    def aside = lock.resolveSibling(".lock.${UUID.randomUUID()}.json")
    try {
        java.nio.file.Files.move(lock, aside, java.nio.file.StandardCopyOption.ATOMIC_MOVE)
    }
    catch (java.nio.file.NoSuchFileException _gone) {
        return null
    }
    def moved = readLock(aside)
    if (moved != held && created(lock, aside.text)) {
        log.debug("${lock}: that of a faster run was put back")
    }
    java.nio.file.Files.deleteIfExists(aside)
    return null
}
