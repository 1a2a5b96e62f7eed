// Digest of the Python sources a command runs.
//
// Nextflow hashes the executables of bin/ that a task's script names, not the package below bin/ that they
// import: after an edit there, -resume would return old results. Every process takes this digest as an input
// value instead, so exactly the steps whose code changed run again. Imports are followed by their text; the
// project imports itself absolutely and at the top of a module only (a test holds it to that).

/** SHA-256 (first 16 digits) over the command and all project modules it imports, directly or not. */
def codeDigest(command) {
    def bin = file("${projectDir}/bin")
    def script = bin.resolve(command)
    if (!script.exists()) {
        error("no command '${command}' in ${bin}")
    }
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    closure(bin, [script] as Set).toSorted { source -> source.toString() }.each { source ->
        digest.update(bin.relativize(source).toString().bytes)
        digest.update(source.bytes)
    }
    return digest.digest().encodeHex().toString().take(16)
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
