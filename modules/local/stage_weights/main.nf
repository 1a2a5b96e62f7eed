process STAGE_WEIGHTS {
    tag "${model}"
    label 'process_single'
    label 'image_cellpose'   // Cellpose knows where its models are published

    input:
    val model      // a shipped model, one of Cellpose's, or a file
    path file      // the file when `model` names one, else []
    path shipped, stageAs: 'shipped/*'   // the models that the project ships
    val code

    output:
    path 'weights/*', emit: weights
    path 'weights.json', emit: about

    script:
    def args = task.ext.args ?: ''
    def named = file ?: "'${model.toString().replace("'", "'\\''")}'"   // a name is the user's text
    """
    stage_weights.py \\
        --model ${named} \\
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
