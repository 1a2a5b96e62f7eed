/** A run of the pipeline before that of a test, which then goes on from it with -resume. */
class Pipeline {

    /** Run in the folders of the test, with the configuration that nf-test gives; what it said, where it failed, is the error. */
    static void run(String launchDir, String workDir, Map params) {
        def root = System.getProperty('user.dir')
        def configs = ['nextflow.config', 'tests/nextflow.config'].collectMany { name -> ['-c', "${root}/${name}"] }
        def options = params.collectMany { name, value -> ["--${name}", value] }
        def command = ['nextflow', '-quiet', 'run', "${root}/main.nf", *configs, '-ansi-log', 'false', '-w', workDir, *options]
        def process = new ProcessBuilder(command*.toString()).directory(new File(launchDir)).redirectErrorStream(true).start()
        def said = process.inputStream.text
        if (process.waitFor() != 0) {
            throw new IllegalStateException("the run before the test failed:\n${said}")
        }
    }
}
