process STAGE_WEIGHTS {
    tag "${model}"
    label 'process_single'
    label 'image_cellpose'   // Cellpose knows where its models are published

    input:
    tuple val(model), val(sha256)   // a shipped model, one of Cellpose's, or a file; the hash it must have, or ''
    path file      // the file when `model` names one, else []
    path shipped, stageAs: 'shipped/*'   // the models that the project ships
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'weights/*', emit: weights
    path 'weights.json', emit: about

    script:
    def args = task.ext.args ?: ''
    def named = file ?: "'${model.toString().replace("'", "'\\''")}'"   // a name is the user's text
    """
    printf '%s' '${options}' > options.json
    stage_weights.py \\
        --options options.json \\
        --model ${named} \\
        ${sha256 ? "--sha256 ${sha256}" : ''} \\
        --shipped_dir shipped \\
        --out weights \\
        ${args}
    """

    stub:
    """
    mkdir weights
    touch weights/model.npz weights.json
    """
}
