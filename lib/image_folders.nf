// The image folders that a samplesheet names.
//
// Only what Nextflow itself needs before the first task: which folders to mount, and a digest of what is in
// them, so that -resume sees an image that came, went or changed. Judging the sheet is the work of
// check_design; what cannot be understood here is simply left to it.

/** Existing folders in the column `images`, absolute, sorted, each once. */
def imageFolders(samplesheet) {
    def lines = decoded(samplesheet.bytes).readLines().findAll { line -> line.trim() }
    // the line by which Excel is told the separator
    def stated = lines ? lines[0].trim().replace('"', '') : ''
    def said = stated.toLowerCase(Locale.ROOT).startsWith('sep=') && stated.length() == 5
    if (said) {
        lines = lines.drop(1)
    }
    if (!lines) {
        return []
    }
    def separator = said ? stated[4] : [',', ';', '\t'].max { candidate -> lines[0].count(candidate) }
    def column = cells(lines[0], separator).collect { name -> name.toLowerCase(Locale.ROOT) }.indexOf('images')
    if (column < 0) {
        return []
    }
    return lines.drop(1)
        .collect { line -> cells(line, separator) }
        .findAll { row -> row.size() > column && row[column] }
        .collect { row -> samplesheet.toAbsolutePath().parent.resolve(row[column]).normalize() }
        .findAll { folder -> folder.isDirectory() }
        .unique()
        .toSorted { folder -> folder.toString() }
}

/** Text of a table: UTF-8 with or without a byte order mark, UTF-16 with one, or Windows-1252. */
def decoded(bytes) {
    def mark = bytes.length > 1 ? String.format(Locale.ROOT, '%02x%02x', bytes[0], bytes[1]) : ''
    if (mark in ['fffe', 'feff']) {
        return new String(bytes, 'UTF-16')
    }
    def text = new String(bytes, 'UTF-8')
    return text.contains('\uFFFD') ? new String(bytes, 'windows-1252') : text.replace('\uFEFF', '')
}

/**
 * SHA-256 over relative path, size and time of change of every file below the folders.
 *
 * What check_design passes over is passed over here, by the same rules (bin/morphodose/design/passed_over.json): a
 * run whose work or results lie among the images can be resumed, and links that loop end nothing. The contents of
 * the tables are part of it, since CHECK_DESIGN caches by names and sizes: the time of a folder changes with a log.
 */
def listingDigest(folders, tables = []) {
    def rules = new groovy.json.JsonSlurper().parse(new File("${moduleDir}/../bin/morphodose/design/passed_over.json"))
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    folders.each { folder ->
        // hidden files are not images, and the log of a run that was started here is one
        def entries = filesBelow(folder, rules).findAll { path -> !path.fileName.toString().startsWith('.') }.collect { path ->
            "${folder.relativize(path)}\t${path.size()}\t${path.lastModified()}".toString()
        }
        digest.update("${folder}\n${entries.toSorted().join('\n')}\n".toString().getBytes('UTF-8'))
    }
    tables.each { table -> digest.update(table.bytes) }
    return digest.digest().encodeHex().toString()
}

/** Files below a folder; links are followed, each folder is read once, folders before links. */
def filesBelow(folder, rules) {
    return filesIn([folder], [], [] as Set, rules, folder)
}

/** Files of folders, then of those in them, then of the links met on the way. */
def filesIn(folders, links, visited, rules, top) {
    if (!folders && !links) {
        return []
    }
    // a folder without the right to read is check_design's to report
    def read = (folders ?: links)
        .findAll { place -> java.nio.file.Files.isReadable(place) && visited.add(place.toRealPath().toString()) }
        .collect { place -> [place, (place.toFile().listFiles() ?: []).collect { entry -> entry.toPath() }] }
        .findAll { place, entries -> place == top || !isOfARun(entries, rules) }
        .collectMany { _place, entries -> entries }
    def inside = read.findAll { entry -> java.nio.file.Files.isDirectory(entry) && !isPassedOver(entry.fileName.toString(), rules) }
    def further = inside.findAll { entry -> java.nio.file.Files.isSymbolicLink(entry) }
    def files = read.findAll { entry -> !java.nio.file.Files.isDirectory(entry) && java.nio.file.Files.exists(entry) }
    return files + filesIn(inside - further, (folders ? links : []) + further, visited, rules, top)
}

def isPassedOver(name, rules) {
    return name.startsWith(rules.hidden) || name.toLowerCase(Locale.ROOT) in rules.folders
}

/** Whether the entries are those of a run's results or work folder. */
def isOfARun(entries, rules) {
    return entries.any { entry ->
        def name = entry.fileName.toString()
        def is_folder = java.nio.file.Files.isDirectory(entry)
        is_folder && (
            name == rules.results_have || (name ==~ rules.work_has && (entry.toFile().list() ?: []).any { task -> task ==~ rules.work_task })
        )
    }
}

/** Cells of one CSV line; quotes protect the separator, doubled quotes stand for one. */
def cells(line, separator) {
    def quoted = false
    def marked = line.collectReplacements { letter ->
        if (letter == '"' as char) {
            quoted = !quoted
        }
        return letter == separator as char && !quoted ? '\u0000' : null
    }
    return marked.split('\u0000', -1).collect { cell ->
        def text = cell.trim()
        text.size() > 1 && text.startsWith('"') && text.endsWith('"') ? text[1..-2].replace('""', '"').trim() : text
    }
}
