// What a run leaves of itself in its results folder: pipeline_info/manifest.json names every file that it published,
// so that the next run can take away what it does not publish itself.

include { dropRecord ; keepRecord ; writeCost } from './cost'
include { above ; dropEarlier ; keepEarlier ; ownPath ; putBack } from './earlier'
include { imageFolders                        } from './image_folders'
include { hostName ; releaseLock ; takeLock   } from './lock'

/** What Nextflow writes of a run when everything else has ended, and its name in pipeline_info/. */
def records() {
    return [report: 'execution_report.html', timeline: 'execution_timeline.html', dag: 'pipeline_dag.mmd']
}

/** Put the records of a run that has ended beside its results; a dry run leaves its trace alone. */
def endRecords(run) {
    records().each { scope, name ->
        if (!run.dry) {
            keepRecord(run.outdir, run.ended.success, scope, name)
        }
        dropRecord(scope)
    }
    return null
}

/**
 * Begin a run: take the lock of its results folder, see what earlier runs left there, and listen to what is published.
 *
 * Stops where the folder is in use, or holds another screen.
 */
def beginRun(options, samplesheet) {
    def outdir = file(options.outdir, glob: false).toAbsolutePath().normalize()
    def about = [
        run_id: workflow.sessionId.toString(),
        run_name: workflow.runName,
        started: workflow.start.toString(),
        command: workflow.commandLine,
        images: imageFolders(samplesheet).collect { folder -> folder.toRealPath().toString() },
        samplesheet: samplesheet.toAbsolutePath().toString(),
        pipeline: workflow.manifest.name,
        version: workflow.manifest.version,
        revision: workflow.commitId,
        nextflow: nextflow.version.toString(),
        java: System.getProperty('java.version'),
        profile: workflow.profile,
        stub: workflow.stubRun,
        container_engine: workflow.containerEngine,
        user: workflow.userName,
        host: hostName(),
        launch_dir: workflow.launchDir.toString(),
        work_dir: workflow.workDir.toString(),
        params: options.findAll { name, value -> value != null && !(name in ['help', 'force_unlock']) && !name.contains('-') }.sort(),
    ]
    def lock = takeLock(outdir, about, options.force_unlock)
    def earlier = readManifest(outdir)
    def fault = screenFault(outdir, earlier, about, options.dry_run)
    if (fault) {
        releaseLock(lock.file, lock.text)
        error(fault)
    }
    // neither -preview nor a dry run has results: what lies there is not theirs to replace
    def dry = options.dry_run || workflow.preview
    def published = new java.util.concurrent.ConcurrentHashMap()
    def run = [about: about, outdir: outdir, lock: lock, earlier: earlier, unfinished: journals(outdir), published: published, versions: [:], dry: dry, ended: new java.util.concurrent.ConcurrentHashMap()]
    run.edited = dry ? [] as Set : changedPaths(outdir, earlierEntries(run))
    run.kept = dry || earlier?.state != 'succeeded' ? null : keepEarlier(outdir, earlier)
    if (!dry && earlier?.state == 'succeeded' && !run.kept) {
        log.warn("${outdir}: has no hard links, so the results of run ${earlier.run_name} are not kept: if this run fails, tables of both lie there")
    }
    // where the script ends by an error before the first task no handler is called
    Runtime.runtime.addShutdownHook(new Thread({ dropUnused(run) } as Runnable))
    run.listens = listen { event, path -> event == 'onFilePublish' ? note(run, path) : endRecords(run) }
    if (!dry) {
        run.journal = outdir.resolve("pipeline_info/.published-${about.run_name}.jsonl")
        // every table says which run wrote it; the environment of a task is not part of what -resume compares
        nextflow.Global.session.config.env.MORPHODOSE_RUN_ID = about.run_id
    }
    return run
}

/** The manifest that the last run left; null where there is none. */
def readManifest(outdir) {
    def path = outdir.resolve('pipeline_info/manifest.json')
    if (!path.exists()) {
        return null
    }
    try {
        return new groovy.json.JsonSlurper().parse(path.toFile())
    }
    catch (groovy.json.JsonException | IllegalArgumentException fault) {
        error("${path}: is not the manifest of a run (${fault.message.readLines()[0]}); name another --outdir, or remove this one")
    }
}

/** Why a run may not write beside what the last one left; null where it may. */
def screenFault(outdir, earlier, about, dry_run) {
    if (earlier == null) {
        return null
    }
    if (dry_run) {
        return "--dry_run: --outdir ${outdir} holds the results of run ${earlier.run_name}, and the check of the design would replace a part of them; name another --outdir"
    }
    if (about.stub && !earlier.stub) {
        return "-stub-run: --outdir ${outdir} holds the results of run ${earlier.run_name}, and stubs would replace them; name another --outdir"
    }
    def shared = earlier.images && about.images ? earlier.images.intersect(about.images) : earlier.samplesheet == about.samplesheet
    return shared
        ? null
        : "--outdir ${outdir}: holds the results of another screen (run ${earlier.run_name}, images in ${(earlier.images ?: [earlier.samplesheet]).take(3).join(', ')}${earlier.images && earlier.images.size() > 3 ? ', …' : ''}; this one has no image folder in common with it); name another --outdir, or remove that folder"
}

/** Have `heard` called with each file or folder that is published, and at the end; false where this Nextflow does not tell. */
def listen(heard) {
    def session = nextflow.Global.session
    def second = session.metaClass.hasProperty(session, 'observersV2') != null
    if (!second && session.metaClass.hasProperty(session, 'observers') == null) {
        log.warn("Nextflow ${nextflow.version} does not tell what it publishes: results of earlier runs stay in --outdir")
        return false
    }
    def kind = Class.forName("nextflow.trace.TraceObserver${second ? 'V2' : ''}")
    def kinds = java.lang.reflect.Array.newInstance(Class, 1)
    kinds[0] = kind
    def answers = { _proxy, method, args ->
        if (method.name in ['onFilePublish', 'onFlowComplete']) {
            heard.call(method.name, !args ? null : second ? args[0].target : args[0])
        }
        return method.name == 'hashCode' ? 1 : method.name == 'toString' ? 'listens to what is published' : method.name in ['equals', 'enableMetrics'] ? false : null
    }
    def observer = java.lang.reflect.Proxy.newProxyInstance(kind.classLoader, kinds, answers as java.lang.reflect.InvocationHandler)
    (second ? session.observersV2 : session.observers) << observer
    return true
}

/** Remember what was published, in a file too: a run that is killed leaves no manifest. */
def note(run, path) {
    // 24.10 says it twice
    if (run.journal && run.published.putIfAbsent(path.toString(), true) == null) {
        def lines = filesBelow(path).collect { file -> groovy.json.JsonOutput.toJson(entryOf(run.outdir, file)) + '\n' }
        // one write of a small text to the end of a file is whole
        java.nio.file.Files.write(run.journal, lines.join('').getBytes('UTF-8'), java.nio.file.StandardOpenOption.CREATE, java.nio.file.StandardOpenOption.APPEND)
    }
    return null
}

/** Path below the results, size and time of change (ms) of a file. */
def entryOf(outdir, file) {
    return [path: outdir.relativize(file).toString(), bytes: java.nio.file.Files.size(file), modified: java.nio.file.Files.getLastModifiedTime(file).toMillis()]
}

/** The file itself, or all files below a folder, sorted. */
def filesBelow(path) {
    if (!path.isDirectory()) {
        return path.exists() ? [path] : []
    }
    def found = []
    path.eachFileRecurse(groovy.io.FileType.FILES) { file -> found << file }
    return found.toSorted { file -> file.toString() }
}

/** Entries of files that runs published which were killed before they could write a manifest, by path. */
def journals(outdir) {
    def folder = outdir.resolve('pipeline_info')
    def found = [:]
    folder.eachFileMatch(~/\.published-.*\.jsonl/) { journal ->
        def name = journal.name.replaceFirst(/^\.published-/, '').replaceFirst(/\.jsonl$/, '')
        journal.readLines().each { line ->
            def entry = parsedOrNull(line)
            if (entry) {
                found[entry.path] = entry + [run: name]
            }
        }
    }
    return found
}

/** An entry of a journal; null for a line that was not finished. */
def parsedOrNull(line) {
    try {
        return new groovy.json.JsonSlurper().parseText(line)
    }
    catch (groovy.json.JsonException | IllegalArgumentException _torn) {
        return null
    }
}

/** Entries of the files that earlier runs published, by path. */
def earlierEntries(run) {
    return (run.earlier ? run.earlier.files.collectEntries { entry -> [entry.path, entry] } : [:]) + run.unfinished
}

/** Paths of the files that somebody changed since; a file of another time is read, of another size is not. */
def changedPaths(outdir, entries) {
    return entries.values().toList().parallelStream()
        .filter { entry -> isChanged(outdir, entry) }
        .collect(java.util.stream.Collectors.toList())*.path as Set
}

/** End a run: what it cost into its page, where it succeeded, its manifest, and the lock given back. */
def endRun(run, success, use_gpu, several) {
    def trace = keepRecord(run.outdir, success, 'trace', 'trace.txt')
    if (!run.dry && run.ended.putIfAbsent('begun', true) == null) {
        if (success) {
            writeCost(run.outdir, trace, use_gpu, several)
        }
        if (run.kept && !success) {
            leaveEarlier(run)
        }
        else {
            leaveManifest(run, success)
        }
        if (run.kept) {
            dropEarlier(run.kept)
        }
        dropJournals(run.outdir)
    }
    run.ended.success = success  // in a map of its own, which the listener has too where the caller copied `run`
    return releaseLock(run.lock.file, run.lock.text)
}

/** Keep the results of earlier runs no longer, where this one ended before it published any. */
def dropUnused(run) {
    if (run.kept && !run.unfinished && !run.published && run.ended.putIfAbsent('begun', true) == null) {
        dropEarlier(run.kept)
    }
    return null
}

/** Leave the results as they were before this run, which failed: with their manifest, and without what it published. */
def leaveEarlier(run) {
    def back = putBack(run.outdir, run.kept)
    def published = run.published.keySet().collectMany { path -> filesBelow(file(path, glob: false)) }.collect { path -> run.outdir.relativize(path).toString() }
    def own = (published + run.unfinished.keySet()).collect { path -> ownPath(run.outdir, run.outdir.resolve(path)) }
    def others = own.collect { path -> run.outdir.relativize(path).toString() }.unique() - back
    takeAway(run.outdir, others.collect { path -> [path: path] })
    log.warn("${run.outdir}: this run failed; the results there are those of run ${run.earlier.run_name} again. What this run finished is in its work folder, and -resume goes on from it")
    return null
}

/**
 * What the command of the failed task said: its plain message, without the command line that Nextflow shows before it.
 *
 * Null where it said nothing plain (a traceback, a task that was killed).
 */
def saidByTask(report) {
    def place = (report ?: '') =~ /(?m)^Work dir:\s*\n\s*(\S.*)$/
    def said = place.find() ? file("${place.group(1).trim()}/.command.err", glob: false) : null
    if (!said?.exists()) {
        return null
    }
    def lines = said.readLines()
    def first = lines.findLastIndexOf { line -> line.startsWith('Error: ') }
    return first < 0 ? null : lines.drop(first).join('\n').replaceFirst('Error: ', '')
}

/**
 * Take away what earlier runs published and this one did not, if it succeeded, and write the manifest.
 *
 * A run that failed takes nothing away; its manifest names what it published beside what was there.
 */
def leaveManifest(run, success) {
    def outdir = run.outdir
    def info = outdir.resolve('pipeline_info')
    def before = earlierEntries(run)
    def now = run.published.keySet().collectMany { path -> filesBelow(file(path, glob: false)) }.unique()
    def entries = entriesOf(outdir, now, before, run.about.run_name)
    def others = before.findAll { path, _entry -> !entries.containsKey(path) && outdir.resolve(path).exists() }.values().toList()
    def kept = success && run.listens ? [] : others
    if (success && run.listens) {
        removeEarlier(outdir, others)
    }
    def replaced = entries.keySet().findAll { path -> path in run.edited }
    if (replaced) {
        log.warn("${outdir}: ${counted(replaced, 'file')} of an earlier run, changed since, replaced by what this run published: ${shown(replaced)}")
    }
    def files = (entries.values().toList() + kept).toSorted { entry -> entry.path }
    def history = run.earlier ? (run.earlier.earlier_runs ?: []) + [run.earlier.subMap(['run_id', 'run_name', 'state', 'started', 'completed', 'command'])] : []
    def of_run = run.about.subMap(['run_id', 'run_name']) + [state: success ? 'succeeded' : 'failed', completed: java.time.OffsetDateTime.now().toString()] + run.about
    writeJson(info.resolve('manifest.json'), of_run + [versions: run.versions, files: files, earlier_runs: history])
    if (success) {
        writeJson(info.resolve('params.json'), run.about.params)
        writeJson(info.resolve('versions.json'), run.versions)
        if (run.listens) {
            tellStrangers(outdir, info, files*.path as Set)
        }
    }
    return null
}

def dropJournals(outdir) {
    outdir.resolve('pipeline_info').eachFileMatch(~/\.published-.*\.jsonl/) { journal -> java.nio.file.Files.deleteIfExists(journal) }
    return null
}

/** Remove files of earlier runs, but for those that somebody changed since. */
def removeEarlier(outdir, entries) {
    def changed = entries.findAll { entry -> isChanged(outdir, entry) }
    def gone = entries - changed
    takeAway(outdir, gone)
    if (gone) {
        log.info("${outdir}: removed ${counted(gone, 'file')} of an earlier run that this run does not have: ${shown(gone*.path)}")
    }
    if (changed) {
        log.warn("${outdir}: ${counted(changed, 'file')} of an earlier run, changed since, left in place: ${shown(changed*.path)}")
    }
    return null
}

/** Say which files are there that no run published. */
def tellStrangers(outdir, info, named) {
    def strangers = filesBelow(outdir)
        .findAll { path -> !path.name.startsWith('.') && !path.startsWith(info) }
        .collect { path -> outdir.relativize(path).toString() }
        .findAll { path -> !(path in named) }
    if (strangers) {
        log.warn("${outdir}: ${counted(strangers, 'file')} that no run is known to have written, left in place: ${shown(strangers)}. A program that reads the folder as one table reads them too")
    }
    return null
}

def counted(things, noun) {
    return "${things.size()} ${noun}${things.size() == 1 ? '' : 's'}"
}

/** Path → entry of each published file, with its hash and the run that wrote it first. */
def entriesOf(outdir, files, before, run_name) {
    return files.parallelStream()
        .map { file ->
            def entry = entryOf(outdir, file)
            def known = before[entry.path]
            def same = known && known.sha256 && known.bytes == entry.bytes && known.modified == entry.modified
            def hash = same ? known.sha256 : sha256(file)
            entry + [sha256: hash, run: known && (known.sha256 == hash) ? known.run : run_name]
        }
        .collect(java.util.stream.Collectors.toList())
        .collectEntries { entry -> [entry.path, entry] }
}

def sha256(file) {
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    file.eachByte(1048576) { bytes, count -> digest.update(bytes, 0, count) }
    return digest.digest().encodeHex().toString()
}

/** Whether a file is another one than its entry tells of; one that is gone is not. */
def isChanged(outdir, entry) {
    def path = outdir.resolve(entry.path)
    if (!path.exists()) {
        return false
    }
    def now = entryOf(outdir, path)
    return now.bytes != entry.bytes || (now.modified != entry.modified && (!entry.sha256 || sha256(path) != entry.sha256))
}

/** Remove files, and the folders that are empty then; of a folder that is a link, the link. */
def takeAway(outdir, entries) {
    def paths = entries.collect { entry -> ownPath(outdir, outdir.resolve(entry.path)) }
    paths.unique().each { path -> java.nio.file.Files.deleteIfExists(path) }
    paths.collectMany { path -> above(path.parent, outdir) }.unique().toSorted { folder -> -folder.nameCount }.each { folder ->
        if (!folder.toFile().list()) {
            java.nio.file.Files.deleteIfExists(folder)
        }
    }
    return null
}

/** The first few of a list of paths. */
def shown(paths) {
    return paths.toSorted().take(3).join(', ') + (paths.size() > 3 ? ', …' : '')
}

/** Write JSON under a temporary name, then rename it. */
def writeJson(path, content) {
    def part = path.resolveSibling(".${path.name}.part")
    part.text = groovy.json.JsonOutput.prettyPrint(groovy.json.JsonOutput.toJson(content)) + '\n'
    java.nio.file.Files.move(part, path, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    return null
}
