// What a run needs of its environment, looked for before the first task: images, and weights kept by Cellpose.

/** Files by which Cellpose keeps its models. */
def cellposeFiles() {
    return [cyto: 'cytotorch_0', cyto2: 'cyto2torch_0', cyto3: 'cyto3', nuclei: 'nucleitorch_0', cpsam: 'cpsam']
}

/** Whether a model, a name or a file, is Cellpose-SAM; conf/apptainer.config chooses its image by the same rule. */
def isSam(model) {
    return model.toString() ==~ '(.*/)?cpsam[^/]*'
}

/** The file a model parameter names, or [] where stage_weights finds it by its name.
 *
 * A task in a container sees neither the home nor the environment: what Cellpose keeps there is found here.
 */
def modelFile(model) {
    def path = file(model, glob: false)
    if (path.isFile()) {   // a folder that happens to have the name of a model is none
        return path
    }
    def name = cellposeFiles()[model.toString()]
    if (!name || !(workflow.containerEngine || isSam(model))) {
        return []
    }
    def kept = file("${System.getenv('CELLPOSE_LOCAL_MODELS_PATH') ?: System.getProperty('user.home') + '/.cellpose/models'}/${name}", glob: false)
    return kept.exists() ? kept : []
}

/** Why the deep half is left out whatever the screen, or null. */
def deepLeftOut(options) {
    if (!options.deep) {
        return 'not wanted (--deep false)'
    }
    return options.crop_channels || options.brightfield_channel ? null : 'the screen has no brightfield channel, and no other was named for the crops (--crop_channels)'
}

/** Stop with all that is missing for the run where anything is. */
def checkEnvironment(options) {
    def missing = environmentFaults(options)
    if (missing) {
        error("missing for this run:\n  ${missing.join('\n  ')}")
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
    return models.unique().findAll { model -> isSam(model) && !modelFile(model) }.collect { model ->
        "--cell_model ${model}: no such file, and not in the folder of Cellpose's models (CELLPOSE_LOCAL_MODELS_PATH); its weights are never downloaded by a task, and were trained in part on data for non-commercial use"
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
