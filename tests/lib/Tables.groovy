import groovy.json.JsonSlurper

/** What tests read of results: Tables.rows(path, 'A', 'B')[0].A, and Tables.near(a, b, 0.01) to compare with a tolerance. */
class Tables {

    /** Rows of a Parquet file, or of all below a folder, each a map of the columns asked for (none: of all). */
    static List<Map> rows(path, String... columns) {
        return table(path, columns).rows
    }

    /** Names of the columns. */
    static List<String> columns(path) {
        return table(path, '').columns
    }

    /** Column → unit, of the columns that have one. */
    static Map<String, String> units(path) {
        return table(path, '').units
    }

    /** Channels of a projected field, and by channel the means of its `upper` and `lower` half. */
    static Map halves(path) {
        return run('read_image.py', path)
    }

    /** True where a number differs from the expected one by no more than the tolerance; null is near nothing. */
    static boolean near(value, expected, tolerance) {
        return value != null && Math.abs((value as double) - (expected as double)) <= (tolerance as double)
    }

    private static Map table(path, String... columns) {
        return run('read_table.py', path, *(columns ? ['--columns', columns.join(',')] : []))
    }

    private static Map run(String script, Object... arguments) {
        def file = new File(System.getProperty('user.dir'), "tests/helpers/${script}")
        def process = (['python3', file.path] + arguments.collect { argument -> argument.toString() }).execute()
        def out = new StringBuilder()
        def err = new StringBuilder()
        process.waitForProcessOutput(out, err)
        if (process.exitValue() != 0) {
            throw new IllegalArgumentException("${arguments[0]} cannot be read: ${err}")
        }
        return new JsonSlurper().parseText(out.toString()) as Map
    }
}
