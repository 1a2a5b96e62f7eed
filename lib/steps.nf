// What the result of a step depends on beside its files: its parameters, and the code that its command runs.
//
// Both are an input of its process, so that exactly the steps whose parameters or code changed run again. Nextflow
// itself sees neither the package below bin/ that commands import nor, with the strict parser, `task.ext.args`.
// Imports are followed by their text; the project imports itself absolutely and at the top of a module only (a test
// holds it to that).

/** Process → [JSON of its parameters, digest of its code]; assets/steps.json says which belong to it. */
def stepInputs(given) {
    // of the commands Nextflow would hash path and time: a clone that was moved would find nothing in its cache
    nextflow.Global.session.binEntries.clear()
    def bin = file("${projectDir}/bin")
    def imports = importsOf(bin)
    def declared = new groovy.json.JsonSlurper().parse(new File("${moduleDir}/../assets/steps.json"))
    return declared.steps.collectEntries { process, step ->
        [process, [quotable(groovy.json.JsonOutput.toJson(given.subMap(step.options))), codeDigest(bin, imports, step.command, ownArgs(process))]]
    }
}

/** JSON that may stand between single quotes of the shell, whatever is in it. */
def quotable(json) {
    return json.replace("'", '\\u0027')
}

/** SHA-256 (first 16 digits) over the project modules behind a command, and what a configuration adds to its options. */
def codeDigest(bin, imports, command, added) {
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    // versions.py ends the script of every process
    closure(imports, [command, 'versions.py'] as Set).toSorted().each { source ->
        digest.update(source.bytes)
        digest.update(bin.resolve(source).bytes)
    }
    digest.update(added.bytes)
    return digest.digest().encodeHex().toString().take(16)
}

/** `ext.args` that a user's configuration gives a process; of a closure, which needs a task, only its class is known. */
def ownArgs(process) {
    return nextflow.Global.session.config.process
        .collect { selector, own -> [selector.toString(), own instanceof Map ? (own.ext ?: own).args : null] }
        .findAll { selector, args -> args != null && (!selector.startsWith('withName:') || process ==~ selector.replaceFirst(/^.*:/, '')) }
        .collect { _selector, args -> args instanceof Closure ? args.getClass().name : args.toString() }
        .join('\n')
}

/** The sources and all that they import. */
def closure(imports, sources) {
    def wider = sources + sources.collectMany { source -> imports[source] }
    return wider.size() == sources.size() ? sources : closure(imports, wider as Set)
}

/** Source below bin/ → those that it imports, and the __init__.py of the packages on the way. */
def importsOf(bin) {
    def sources = files("${bin}/{*.py,morphodose/**.py}").collectEntries { path -> [bin.relativize(path).toString(), path.text] }
    return sources.collectEntries { source, text ->
        def paths = importedNames(text).collectMany { name ->
            def parts = name.tokenize('.')
            parts.indices.collectMany { i -> [parts.take(i + 1).join('/') + '/__init__.py', parts.take(i + 1).join('/') + '.py'] }
        }
        [source, paths.findAll { path -> path in sources }.unique()]
    }
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
