// Digest of what a task's result depends on beside its inputs: the Python sources its command runs, and its options.
//
// Nextflow hashes the executables of bin/ that a task's script names, not the package below bin/ that they
// import: after an edit there, -resume would return old results. Nor does Nextflow 25.04 with the strict parser
// hash `task.ext.args`: after a changed parameter, -resume would return old results, too. Every process takes this
// digest as an input value instead, so exactly the steps whose code or options changed run again. Imports are
// followed by their text; the project imports itself absolutely and at the top of a module only (a test holds it
// to that).

/** SHA-256 (first 16 digits) over the command, all project modules it imports, and the options of its process. */
def codeDigest(command, process = null) {
    def bin = file("${projectDir}/bin")
    def script = bin.resolve(command)
    if (!script.exists()) {
        error("no command '${command}' in ${bin}")
    }
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    // versions.py ends the script of every process
    closure(bin, [script, bin.resolve('versions.py')] as Set).toSorted { source -> source.toString() }.each { source ->
        digest.update(bin.relativize(source).toString().bytes)
        digest.update(source.bytes)
    }
    digest.update(optionsOf(process ?: command.replace('.py', '').toUpperCase(Locale.ROOT)).toString().bytes)
    return digest.digest().encodeHex().toString().take(16)
}

/**
 * Have Nextflow leave the commands of bin/ to the digest.
 *
 * It hashes them by path and time besides: a clone that was moved, or made anew, would find nothing in its cache.
 */
def leaveCommandsToDigest() {
    nextflow.Global.session.binEntries.clear()
}

/** What the configuration gives a process as `ext.args` and `ext.export`, one entry a selector that names it. */
def optionsOf(process) {
    def session = nextflow.Global.session
    return session.config.process
        .findAll { selector, settings -> settings instanceof Map && isFor(selector.toString(), process) }
        .collectMany { selector, settings ->
            def ext = selector == 'ext' ? settings : settings.ext instanceof Map ? settings.ext : [:]
            ['args', 'export'].findAll { name -> ext.containsKey(name) }.collect { name -> "${selector} ${name} ${valueOf(ext[name], session.params)}".toString() }
        }
        .toSorted()
}

/** Whether a block of the configuration is for a process; one for a label may be for any. */
def isFor(selector, process) {
    if (!selector.startsWith('withName:')) {
        return selector == 'ext' || selector.startsWith('withLabel:')
    }
    def pattern = selector.substring('withName:'.length())
    // names of workflows before it: whichever they are
    def simple = pattern.replaceFirst(/^.*:/, '')
    return process ==~ pattern || process ==~ simple || "MORPHODOSE:${process}".toString() ==~ pattern
}

/** An option as the task will see it; a closure that needs the task itself is known by its class only. */
def valueOf(option, params) {
    if (!(option instanceof Closure)) {
        return option.toString()
    }
    def asked = option.clone()
    asked.delegate = [params: params]
    asked.resolveStrategy = Closure.DELEGATE_FIRST
    try {
        return asked.call().toString()
    }
    catch (Exception _missing) {
        // `task` or an input of the process, of which nothing is known here, is null
        return option.getClass().name
    }
}

/** The sources and all that they import. */
def closure(bin, sources) {
    def wider = sources + sources.collectMany { source -> importedNames(source.text).collectMany { name -> sourcesOf(bin, name) } }
    return wider.size() == sources.size() ? sources : closure(bin, wider as Set)
}

/** Dotted names that a source imports from the package, `from a import b` as both `a` and `a.b`. */
def importedNames(text) {
    // parentheses may spread the names over lines
    def froms = text.findAll(/(?m)^[ \t]*from[ \t]+(morphodose[\w.]*)[ \t]+import[ \t]*(\([^)]*\)|[^\n#]*)/) { _all, from, names ->
        [from] + names.replaceAll(/#[^\n]*/, '').replaceAll(/[()\\]/, ' ').tokenize(',').findAll { part -> part.trim() }.collect { part ->
            "${from}.${part.trim().tokenize()[0]}".toString()
        }
    }
    def imports = text.findAll(/(?m)^[ \t]*import[ \t]+([^\n#]*)/) { _all, names ->
        names.tokenize(',').collect { part -> part.trim().tokenize()[0] }.findAll { name -> name == 'morphodose' || name.startsWith('morphodose.') }
    }
    return (froms + imports).flatten().unique()
}

/** Files behind a dotted name: the module, and the __init__.py of every package on the way. */
def sourcesOf(bin, name) {
    def parts = name.tokenize('.')
    return parts.indices
        .collectMany { i ->
            def folder = bin.resolve(parts.take(i + 1).join('/'))
            [folder.resolve('__init__.py'), folder.resolveSibling("${parts[i]}.py")]
        }
        .findAll { source -> source.exists() }
}
