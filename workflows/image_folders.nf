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
    def said = stated.toLowerCase().startsWith('sep=') && stated.length() == 5
    if (said) {
        lines = lines.drop(1)
    }
    if (!lines) {
        return []
    }
    def separator = said ? stated[4] : [',', ';', '\t'].max { candidate -> lines[0].count(candidate) }
    def column = cells(lines[0], separator).collect { name -> name.toLowerCase() }.indexOf('images')
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
    def mark = bytes.length > 1 ? String.format('%02x%02x', bytes[0], bytes[1]) : ''
    if (mark in ['fffe', 'feff']) {
        return new String(bytes, 'UTF-16')
    }
    def text = new String(bytes, 'UTF-8')
    return text.contains('\uFFFD') ? new String(bytes, 'windows-1252') : text.replace('\uFEFF', '')
}

/** SHA-256 over relative path, size and time of change of every file below the folders. */
def listingDigest(folders) {
    def digest = java.security.MessageDigest.getInstance('SHA-256')
    folders.each { folder ->
        def entries = []
        folder.eachFileRecurse(groovy.io.FileType.FILES) { path ->
            entries << "${folder.relativize(path)}\t${path.size()}\t${path.lastModified()}".toString()
        }
        digest.update("${folder}\n${entries.toSorted().join('\n')}\n".toString().getBytes('UTF-8'))
    }
    return digest.digest().encodeHex().toString()
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
