// What each step cost, from Nextflow's trace, written into the report when the run has ended: no task can do that,
// for the trace is not whole before the last one, and a report that read it would be made anew by every -resume.

/** Steps whose tasks hold a GPU each under --use_gpu; the trace does not say. */
def gpuSteps() {
    return new groovy.json.JsonSlurper().parse(new File("${moduleDir}/../assets/steps.json")).steps.findAll { _name, step -> step.gpu }.keySet()
}

/**
 * Fill the place that bin/morphodose/report/cost.py left in the report.
 *
 * `several`: step → GPUs of a node and nodes of each of its tasks, where these may be more than one.
 */
def writeCost(outdir, trace, use_gpu, several) {
    def report = file("${outdir}/report/report.html", glob: false)
    if (!report.exists() || !trace.exists()) {
        return null
    }
    def page = report.text
    def begin = page.indexOf('<!--run-cost-->')
    def end = page.indexOf('<!--/run-cost-->')
    if (begin < 0 || end < begin) {
        return null
    }
    // under a temporary name first: a reader never sees half a page
    def part = report.resolveSibling('.report.html.part')
    part.text = page.take(begin) + '<!--run-cost-->' + costTable(stepCosts(trace, several), use_gpu) + page.drop(end)
    java.nio.file.Files.move(part, report, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    return null
}

/**
 * Put what Nextflow writes of this run (`scope`: trace, report, timeline, dag) beside its results; gives its place.
 *
 * While the run goes on it is kept in .nextflow/ of the launch folder (or where -with-trace says): a run that is
 * refused, or fails, does not replace the one of the results.
 */
def keepRecord(outdir, success, scope, name) {
    def written = file(nextflow.Global.session.config[scope].file.toString(), glob: false)
    def failed = name.replace('.', '_failed.')
    def kept = file("${outdir}/pipeline_info/${success ? name : failed}", glob: false)
    if (!written.exists() || written.toAbsolutePath().normalize() == kept.resolveSibling(name).toAbsolutePath().normalize()) {
        return written
    }
    def part = kept.resolveSibling(".${kept.name}.part")
    java.nio.file.Files.copy(written, part, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    java.nio.file.Files.move(part, kept, java.nio.file.StandardCopyOption.REPLACE_EXISTING)
    dropRecord(scope)
    if (success) {
        java.nio.file.Files.deleteIfExists(kept.resolveSibling(failed))
    }
    return kept
}

/** Remove what Nextflow wrote of this run from .nextflow/ of the launch folder. */
def dropRecord(scope) {
    def written = file(nextflow.Global.session.config[scope].file.toString(), glob: false)
    if (written.parent == workflow.launchDir.resolve('.nextflow')) {
        java.nio.file.Files.deleteIfExists(written)
    }
    return null
}

/**
 * Step → tasks, those found in the cache, tries that failed, seconds, core- and GPU-seconds, longest task, peak memory,
 * and the core-seconds of each acquisition: of tasks whose tag names one (`by`; the page knows which tags are of plates).
 */
def stepCosts(trace, several) {
    def lines = trace.readLines()*.split('\t', -1)
    def at = ['process', 'status', 'realtime', 'cpus', 'peak_rss'].collectEntries { name -> [name, lines[0].toList().indexOf(name)] }
    if (at.values().any { column -> column < 0 }) {
        return [:]
    }
    def tag = lines[0].toList().indexOf('tag')
    return lines.drop(1).groupBy { row -> row[at.process].tokenize(':')[-1] }.collectEntries { step, rows ->
        def took = rows.collect { row -> secondsOf(row[at.realtime]) }
        // the trace says the cores of one node, and of GPUs nothing
        def nodes = several[step] ? several[step].nodes : 1
        def core_seconds = [took, rows].transpose().collect { seconds, row -> seconds * nodes * (row[at.cpus].isNumber() ? row[at.cpus] as BigDecimal : 1) }
        def gpus = step in gpuSteps() ? nodes * (several[step] ? several[step].devices : 1) : 0
        [step, [
            tasks: rows.count { row -> row[at.status] in ['COMPLETED', 'CACHED'] },
            cached: rows.count { row -> row[at.status] == 'CACHED' },
            failed: rows.count { row -> row[at.status] in ['FAILED', 'ABORTED'] },
            seconds: took.sum(),
            core_seconds: core_seconds.sum(),
            by: tag < 0 ? null : [rows, core_seconds].transpose().groupBy { row, _spent -> acquisitionOf(row[tag]) }.collectEntries { name, found -> [name, found.sum { _row, spent -> spent }] },
            gpu_seconds: took.sum() * gpus,
            longest: took.max(),
            peak: rows.collect { row -> bytesOf(row[at.peak_rss]) }.max(),
        ]]
    }
}

/** The acquisition of `<acquisition>_Well_A01 … A08` and of `<acquisition>`; other tags as they are. */
def acquisitionOf(tag) {
    return tag.replaceFirst(/_Well_[A-Z]+[0-9]+( … [A-Z]+[0-9]+)?$/, '')
}

/** Seconds of `1h 2m 3.4s` or `350ms`; 0 of `-`. */
def secondsOf(text) {
    def units = [ms: 0.001, s: 1, m: 60, h: 3600, d: 86400]
    return text.findAll(/([\d.]+)(ms|[smhd])/) { _all, value, unit -> (value as BigDecimal) * units[unit] }.sum() ?: 0
}

/** Bytes of `1.2 GB`; 0 of `-`. */
def bytesOf(text) {
    def units = ['B', 'KB', 'MB', 'GB', 'TB']
    return text.findAll(/([\d.]+) ?([KMGT]?B)/) { _all, value, unit -> (value as BigDecimal) * 1024 ** units.indexOf(unit) }.sum() ?: 0
}

/** The table, with GPU-hours where tasks had GPUs: a step found in the cache had one too, else it had run again. */
def costTable(costs, use_gpu) {
    if (!costs) {
        return '<p>The trace of this run lacks the columns process, status, realtime, cpus and peak_rss.</p>'
    }
    def heads = ['Step', 'Tasks', 'From the cache', 'Failed tries', 'Time of all tasks', 'Longest task', 'Core-hours']
    def rows = costs.collect { step, cost ->
        def values = [cost.tasks, cost.cached, cost.failed, durationText(cost.seconds), durationText(cost.longest), hoursText(cost.core_seconds)]
        def gpu = use_gpu ? [step in gpuSteps() ? hoursText(cost.gpu_seconds) : '–'] : []
        def by = cost.by == null ? '' : " data-by=\"${attribute(groovy.json.JsonOutput.toJson(cost.by))}\""
        "<tr><td class=\"md-nowrap\" data-core-seconds=\"${cost.core_seconds}\"${by}>${step}</td>${(values + gpu + [memoryText(cost.peak)]).collect { value -> "<td class=\"md-num\">${value}</td>" }.join('')}</tr>"
    }
    def titles = heads + (use_gpu ? ['GPU-hours'] : []) + ['Peak memory of a task']
    def all = costs.values()
    def core_hours = hoursText(all.sum { cost -> cost.core_seconds })
    def gpu_hours = use_gpu ? ", ${hoursText(all.sum { cost -> cost.gpu_seconds })} GPU-hours" : ''
    def sum = "<p>${all.sum { cost -> cost.tasks }} tasks, ${core_hours} core-hours${gpu_hours}; what was found in the cache counts with what it took when it ran.</p>"
    return sum + '<div class="md-scroll"><table class="md-table"><thead><tr>' + titles.collect { head -> "<th scope=\"col\">${head}</th>" }.join('') + '</tr></thead><tbody>' + rows.join('') + '</tbody></table></div>'
}

/** Text that is safe inside a quoted attribute of HTML. */
def attribute(text) {
    return text.replace('&', '&amp;').replace('"', '&quot;').replace('<', '&lt;').replace('>', '&gt;')
}

def hoursText(seconds) {
    return String.format(Locale.ROOT, '%.2f', (seconds as BigDecimal) / 3600)
}

def durationText(seconds) {
    return seconds < 90 ? String.format(Locale.ROOT, '%.1f s', seconds as BigDecimal) : seconds < 5400 ? String.format(Locale.ROOT, '%.0f min', seconds / 60) : String.format(Locale.ROOT, '%.1f h', seconds / 3600)
}

def memoryText(bytes) {
    return bytes == 0 ? '–' : bytes < 1024 ** 3 ? String.format(Locale.ROOT, '%.0f MB', bytes / 1024 ** 2) : String.format(Locale.ROOT, '%.2f GB', bytes / 1024 ** 3)
}
