process PROFILE_FEATURES {
    label 'process_medium'

    input:
    path cells, stageAs: 'cells/*'
    path embeddings, stageAs: 'embeddings/*'   // [] without a network
    path images, stageAs: 'images/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'profiles/*.parquet', emit: profiles
    path 'profile_scores.parquet', emit: scores
    path 'profile_scorecard.parquet', emit: scorecard
    path 'profile_differences.parquet', emit: differences
    path 'dropped_features.parquet', emit: dropped
    path 'wells_left_out.parquet', emit: left_out
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    profile_features.py \\
        --options options.json \\
        --cells cells \\
        ${embeddings ? '--embeddings embeddings' : ''} \\
        --images images \\
        --out . \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir profiles
    touch profiles/classical.parquet ${embeddings ? 'profiles/deep.parquet profiles/joint.parquet' : ''}
    touch profile_scores.parquet profile_scorecard.parquet profile_differences.parquet
    touch dropped_features.parquet wells_left_out.parquet versions.yml
    """
}
