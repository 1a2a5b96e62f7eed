process STAGE_WEIGHTS {
    tag "${model}"
    label 'process_single'

    input:
    val model      // a shipped model, one of Cellpose's, or a file
    path file      // the file when `model` names one, else []
    val code

    output:
    path 'weights', emit: weights

    script:
    def args = task.ext.args ?: ''
    """
    stage_weights.py \\
        --model ${file ?: model} \\
        --out weights \\
        ${args}
    """

    stub:
    """
    mkdir weights
    """
}
