process SCORE_MODELS {
    label 'process_medium'

    input:
    path split
    path labels
    path leakage
    path predictions, stageAs: 'predictions/*'
    path cells, stageAs: 'cells/*'
    path trained, stageAs: 'trained/*'
    path untrained, stageAs: 'untrained/*'
    path imagenet, stageAs: 'imagenet/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'scores/model_scores.parquet', emit: scores
    path 'scores/model_differences.parquet', emit: differences
    path 'scores/confusion.parquet', emit: confusion
    path 'scores/calibration.parquet', emit: calibration
    path 'scores/model_verdict.json', emit: verdict
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    def given = [predictions: predictions, cells: cells, trained: trained, untrained: untrained, imagenet: imagenet]
        .findAll { _name, files -> files }
        .collect { name, _files -> "--${name} ${name}" }
        .join(' ')
    """
    printf '%s' '${options}' > options.json
    score_models.py \\
        --options options.json \\
        --split ${split} \\
        --labels ${labels} \\
        --leakage ${leakage} \\
        ${given} \\
        --out scores \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir scores
    touch scores/model_scores.parquet scores/model_differences.parquet scores/confusion.parquet
    touch scores/calibration.parquet scores/model_verdict.json versions.yml
    """
}
