// What a run needs of its environment, looked for before the first task: images, and weights kept by Cellpose.

/** Files by which Cellpose keeps its models. */
def cellposeFiles() {
    return [cyto: 'cytotorch_0', cyto2: 'cyto2torch_0', cyto3: 'cyto3', nuclei: 'nucleitorch_0', cpsam: 'cpsam', cpsam_v2: 'cpsam_v2']
}

/** Whether a model, a name or a file, is Cellpose-SAM; conf/apptainer.config chooses its image by the same rule. */
def isSam(model) {
    return model.toString() ==~ new groovy.json.JsonSlurper().parse(new File("${moduleDir}/../assets/steps.json")).cellpose_sam
}

/** Whether a diameter is needed that is not given: cells need one where a network segments them, nuclei where they are stained. */
def diametersMissing(options) {
    def cells = options.cell_channel && options.cell_method.startsWith('cellpose') && !options.diameter
    def nuclei = options.nuclear_channel && !options.nuclear_diameter
    return !isSam(options.cell_model) && (cells || nuclei)
}

/** The file a model parameter names, or [] where stage_weights finds it by its name.
 *
 * A task in a container sees neither the home nor the environment: what Cellpose keeps there is found here.
 */
def modelFile(model) {
    def path = file(model, glob: false)
    if (path.isFile()) {   // a folder that has the name of a model is not a model
        return path
    }
    def name = cellposeFiles()[model.toString()]
    if (!name || !(workflow.containerEngine || isSam(model))) {
        return []
    }
    def kept = file("${cellposeFolder()}/${name}", glob: false)
    return kept.exists() ? kept : []
}

/** Folder in which Cellpose keeps its models on this machine. */
def cellposeFolder() {
    return System.getenv('CELLPOSE_LOCAL_MODELS_PATH') ?: System.getProperty('user.home') + '/.cellpose/models'
}

/** Why the deep half is left out whatever the screen, or null. */
def deepLeftOut(options) {
    if (!options.deep) {
        return 'not wanted (--deep false)'
    }
    return options.crop_channels || options.brightfield_channel ? null : 'the screen has no brightfield channel, and no other was named for the crops (--crop_channels)'
}

/** Stop with all that is missing for the run where anything is; gives the folder of its Python to the tasks. */
def checkEnvironment(options) {
    def java = javaFault(Runtime.version().feature(), nextflow.version.toString())
    def known = (java ? [java] : []) + environmentFaults(options)
    def missing = known ?: pythonOfTasks(options)
    if (missing) {
        error("missing for this run:\n  ${missing.join('\n  ')}")
    }
}

/** Why Nextflow does not run on this Java; its launcher refuses most of these before. */
def javaFault(found, release) {
    def newest = release.startsWith('24.') ? 23 : release.startsWith('25.04') ? 24 : found
    return found < 17 || found > newest ? "Java ${found} does not run Nextflow ${release}; install Java 17 to ${newest}, and name it by JAVA_HOME" : null
}

/** Try, once, the Python that the tasks will have; gives the faults. A stub run needs none. */
def pythonOfTasks(options) {
    if (workflow.stubRun) {
        return []
    }
    if (!workflow.containerEngine) {
        def found = findPython(projectDir, System.getenv('PATH') ?: '')
        if (found.folder) {
            putFirst(nextflow.Global.session.config.process, found.folder)
        }
        return found.faults
    }
    def local = !('slurm' in workflow.profile.tokenize(','))
    if (options.container_registry || !(workflow.containerEngine in ['apptainer', 'singularity'])) {
        return []   // an image of a registry is pulled later; each was tested when it was built
    }
    def tried = (options.dry_run ? ['base'] : imagesOf(options)).collect { name ->
        [name, tryPython([workflow.containerEngine, 'exec', '--cleanenv', '--bind', projectDir.toString(), "${options.container_dir}/${name}.sif".toString(), 'python3'], projectDir, ['--image', name], System.getenv('PATH'))]
    }
    // a login node may not be able to start an image that the nodes can
    def unknown = local ? [] : tried.findAll { _name, said -> said && !said.judged }
    if (unknown) {
        log.warn("the images ${unknown.collect { name, _said -> name }.join(', ')} could not be tried on this host: ${unknown[0][1].text}")
    }
    return (tried - unknown).findAll { _name, said -> said }.collect { name, said ->
        "--container_dir ${options.container_dir}: Python of ${name}.sif ${said.text}; build it again by containers/build.sh --force --out ${options.container_dir} ${name}"
    }
}

/**
 * Have every task look for its commands in a folder first, but for those that a configuration's own beforeScript names.
 *
 * Not by `env`, which Nextflow sets after a beforeScript, a module and an environment of conda, all of which may bring
 * another Python on purpose.
 */
def putFirst(settings, folder) {
    def line = "export PATH='${folder.replace("'", "'\\''")}':\"\$PATH\"".toString()
    settings.findAll { _selector, own -> own instanceof Map && own.beforeScript instanceof CharSequence }.each { _selector, own ->
        own.beforeScript = "${line}\n${own.beforeScript}".toString()
    }
    settings.beforeScript = settings.beforeScript instanceof CharSequence ? "${line}\n${settings.beforeScript}".toString() : settings.beforeScript ?: line
    return settings
}

/**
 * The Python of tasks that run without images: that of the clone's .venv, or python3 of a PATH.
 *
 * Gives the folder of the first (null for the second), and the faults where neither will do.
 */
def findPython(project, path) {
    def environment = project.resolve('.venv')
    def python = environment.resolve('bin/python3')
    def own = java.nio.file.Files.isExecutable(python) ? tryPython([python.toString()], project, [], path) : [text: pythonFault(environment)]
    if (own == null) {
        return [folder: "${environment}/bin".toString(), faults: []]
    }
    def other = tryPython(['/usr/bin/env', 'python3'], project, [], path)
    if (other == null) {
        if (own.text != 'is not there') {
            log.warn("${environment} ${own.text}; python3 of PATH is used instead")
        }
        return [folder: null, faults: []]
    }
    return [folder: null, faults: ["no Python that can run the steps: ${environment} ${own.text}; python3 of PATH ${other.text}. ${wayOut(project, environment)}"]]
}

/** Why the Python of a .venv cannot be executed. */
def pythonFault(environment) {
    if (!java.nio.file.Files.exists(environment, java.nio.file.LinkOption.NOFOLLOW_LINKS)) {
        return 'is not there'
    }
    def python = linked(environment.resolve('bin/python3'))
    return python.startsWith(environment)
        ? 'has no bin/python3 that you may execute'
        : "has the Python ${python}, which ${java.nio.file.Files.notExists(python) ? 'is no longer there' : 'you may not execute'}"
}

/** The file that a link leads to, as far as can be seen. */
def linked(path) {
    return java.nio.file.Files.isSymbolicLink(path) ? linked(path.resolveSibling(java.nio.file.Files.readSymbolicLink(path))) : path
}

/** What to type for a .venv that can run the steps. */
def wayOut(project, environment) {
    def python = linked(environment.resolve('bin/python3'))
    def owner = java.nio.file.Files.exists(environment) ? java.nio.file.Files.getOwner(environment).name : null
    def elsewhere = !python.startsWith(environment)
    // nobody but its owner can set up the clone again
    if (owner in [null, System.getProperty('user.name')] || java.nio.file.Files.isExecutable(python) || (elsewhere && java.nio.file.Files.notExists(python))) {
        return "Type: make -C '${project}' setup"
    }
    return elsewhere
        ? "The .venv belongs to ${owner}, and its Python is in a folder that is closed to others. Set up a clone of your own; or have ${owner} set up this one with a Python that all may use: rm -r '${environment}'; env PATH=/usr/bin:/bin UV_PYTHON_PREFERENCE=only-system make -C '${project}' setup"
        : "The .venv belongs to ${owner}, who can let others use it: chmod -R a+rX '${environment}'. Or set up a clone of your own"
}

/**
 * Ask a Python whether it can run the steps; null where it can, else [text:, judged:], `judged` false where it did not run.
 *
 * It is asked in the environment that the tasks will have.
 */
def tryPython(command, project, arguments, path) {
    def builder = new ProcessBuilder(command + [project.resolve('setup/environment.py').toString()] + arguments)
    builder.environment().putAll([PYTHONPATH: '', PYTHONNOUSERSITE: '1', PATH: path])
    builder.redirectErrorStream(true)
    try {
        def process = builder.start()
        process.outputStream.close()
        def lines = process.inputStream.text.readLines().findAll { line -> line.trim() }
        if (process.waitFor() == 0) {
            return null
        }
        def faults = lines.findAll { line -> line ==~ /(is Python|lacks|cannot import) .*/ }
        return faults ? [text: faults.join('; '), judged: true] : [text: "could not be run (${lines ? lines[-1] : "exit status ${process.exitValue()}"})", judged: false]
    }
    catch (IOException fault) {
        return [text: "could not be run (${fault.message})", judged: false]
    }
}

/** All that is missing for a run with these parameters, one line each; a dry run needs nothing but an image. */
def environmentFaults(options) {
    return options.dry_run ? imageFaults(options, ['base']) : modelFaults(options) + imageFaults(options, imagesOf(options)) + nodeFaults(options)
}

/** The images that the steps of a run use. */
def imagesOf(options) {
    return ['base', isSam(options.cell_model) ? 'cellpose4' : 'cellpose3'] + (deepLeftOut(options) == null ? ['resnet'] : [])
}

def modelFaults(options) {
    def models = [options.cell_model, options.nuclear_model]
    if (models.count { model -> isSam(model) } == 1) {
        return ["--cell_model ${options.cell_model}, --nuclear_model ${options.nuclear_model}: Cellpose-SAM shares no environment with other models; name both cpsam, or neither"]
    }
    def names = ['morphodose'] + cellposeFiles().keySet()
    def unknown = [cell_model: options.cell_model, nuclear_model: options.nuclear_model].findAll { _name, model ->
        !isSam(model) && !(model.toString() in names) && !file(model, glob: false).isFile()
    }.collect { name, model ->
        "--${name} ${model}: is neither a file nor one of ${names.join(', ')}".toString()
    }
    return unknown + models.unique().findAll { model -> isSam(model) && !modelFile(model) }.collect { model ->
        "--cell_model ${model}: its weights are not on this machine, and no task downloads them: put the file that Cellpose publishes under this name into ${cellposeFolder()}, or give its path. They were trained in part on data for non-commercial use".toString()
    }
}

def imageFaults(options, images) {
    if (!(workflow.containerEngine in ['apptainer', 'singularity']) || options.container_registry || workflow.stubRun) {
        return []
    }
    def missing = images.findAll { image -> !file("${options.container_dir}/${image}.sif", glob: false).exists() }
    return missing
        ? ["--container_dir ${options.container_dir}: ${missing.collect { image -> "${image}.sif" }.join(', ')} ${missing.size() > 1 ? 'are' : 'is'} not there; make ${missing.size() > 1 ? 'them' : 'it'} by containers/build.sh --out ${options.container_dir} ${missing.join(' ')}, or name a registry (--container_registry)"]
        : []
}

/** What keeps a training from several nodes: srun starts it on each, and images hold neither srun nor what it needs. */
def nodeFaults(options) {
    def nodes = options.training_nodes as Integer
    if (deepLeftOut(options) != null || nodes < 2) {
        return []
    }
    def way_out = 'leave it out and use the GPUs of one node (--training_gpus)'
    if (!('slurm' in workflow.profile.tokenize(','))) {
        return ["--training_nodes ${nodes}: SLURM starts a training on several nodes; add -profile slurm, or ${way_out}"]
    }
    return workflow.containerEngine
        ? ["--training_nodes ${nodes}: srun, which starts a training on several nodes, is not inside the images; run -profile slurm alone (in the environment of make setup), or ${way_out}"]
        : []
}
