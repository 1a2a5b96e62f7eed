// Help and validation of the parameters from nextflow_schema.json, without a plugin.

/** Parameter name → its schema entry with the title of its group, in the order of the file. */
def schemaEntries(schema) {
    def entries = [:]
    new groovy.json.JsonSlurper().parse(schema.toFile())['$defs'].each { _key, group ->
        group.properties.each { name, entry ->
            entries[name] = entry + [group: group.title, required: name in (group.required ?: [])]
        }
    }
    return entries
}

/** Stop with all faults of the parameters where there are any. */
def validateParameters(given, schema) {
    def faults = parameterFaults(given, schema)
    if (faults) {
        error("${faults.size()} fault${faults.size() > 1 ? 's' : ''} in the parameters:\n  ${faults.join('\n  ')}")
    }
}

/** All faults of the parameters, one line each; empty when there are none. */
def parameterFaults(given, schema) {
    def entries = schemaEntries(schema)
    def names = entries.keySet()
    // Nextflow adds a camelCase twin to a kebab-case name; only what was typed is judged
    def twins = given.keySet().findAll { name -> name.contains('-') }.collect { name -> camelCase(name) }
    def unknown = given.keySet().findAll { name -> !(name in names) && !(name in twins) }.collect { name ->
        def near = nearest(name, names)
        "--${name}: there is no such parameter${near ? "; did you mean --${near}?" : ''} (--help lists them)"
    }
    def wrong = entries.collect { name, entry ->
        def value = given[name]
        if (value == null || value == '') {
            return entry.required ? "--${name} is required: ${entry.description}" : null
        }
        def fault = valueFault(value, entry)
        return fault ? "--${name} ${value}: ${fault}" : null
    }
    return unknown + wrong.findAll { line -> line }
}

def camelCase(name) {
    def parts = name.tokenize('-')
    return parts[0] + parts.drop(1).collect { part -> part.capitalize() }.join('')
}

def valueFault(value, entry) {
    def text = value.toString()
    if (entry['enum'] && !(text in entry['enum'].collect { choice -> choice.toString() })) {
        def near = nearest(text, entry['enum'].collect { choice -> choice.toString() })
        return "is not one of ${entry['enum'].join(', ')}${near ? "; did you mean ${near}?" : ''}"
    }
    if (entry.type == 'boolean') {
        return text in ['true', 'false'] ? null : 'is not true or false'
    }
    if (entry.type == 'integer') {
        return text ==~ /[-+]?\d+/ ? rangeFault(text.toBigDecimal(), entry) : 'is not a whole number'
    }
    if (entry.type == 'number') {
        return text.isBigDecimal() ? rangeFault(text.toBigDecimal(), entry) : 'is not a number'
    }
    if (value == true) {
        return 'needs a value; write an empty one with an equals sign and nothing after it'
    }
    if (entry.pattern && !(text ==~ entry.pattern)) {
        return entry.errorMessage ?: "does not match ${entry.pattern}"
    }
    if (entry.exists && !file(text, glob: false).exists()) {
        return entry.format == 'directory-path' ? 'there is no such folder' : 'there is no such file'
    }
    return null
}

def rangeFault(value, entry) {
    if (entry.minimum != null && value < entry.minimum) {
        return "is below ${entry.minimum}"
    }
    if (entry.maximum != null && value > entry.maximum) {
        return "is above ${entry.maximum}"
    }
    if (entry.exclusiveMinimum != null && value <= entry.exclusiveMinimum) {
        return "is not above ${entry.exclusiveMinimum}"
    }
    if (entry['not'] && value == entry['not']['const']) {
        return entry.errorMessage ?: "may not be ${value}"
    }
    return null
}

/** The known name with the smallest edit distance, or null when none is near. */
def nearest(name, known) {
    def best = known.min { candidate -> editDistance(name.toLowerCase(Locale.ROOT), candidate.toLowerCase(Locale.ROOT)) }
    def limit = Math.max(2, name.length().intdiv(3))
    return best && editDistance(name.toLowerCase(Locale.ROOT), best.toLowerCase(Locale.ROOT)) <= limit ? best : null
}

/** Levenshtein distance. */
def editDistance(a, b) {
    def last = a.toList().withIndex().inject((0..b.length()).toList()) { above, entry ->
        def (letter, i) = entry
        b.toList().withIndex().inject([i + 1]) { row, other ->
            def (against, j) = other
            row + [Math.min(Math.min(row[j], above[j + 1]) + 1, above[j] + (letter == against ? 0 : 1))]
        }
    }
    return last[-1]
}

/** The text of --help. */
def helpText(schema, defaults) {
    def lines = ['Usage: nextflow run main.nf -profile <profile> --input samplesheet.csv --outdir results']
    schemaEntries(schema).groupBy { _name, entry -> entry.group }.each { title, entries ->
        lines << '' << title
        entries.each { name, entry ->
            def notes = []
            if (entry['enum']) {
                notes << entry['enum'].join(' | ')
            }
            if (entry.required) {
                notes << 'required'
            }
            else if (defaults[name] != null && defaults[name] != '') {
                notes << "default: ${defaults[name]}"
            }
            lines << "  --${name.padRight(26)} ${entry.description}${notes ? " [${notes.join('; ')}]" : ''}"
        }
    }
    return lines.join('\n')
}
