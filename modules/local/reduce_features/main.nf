process REDUCE_FEATURES {
    tag "${set}"
    label 'process_medium'

    input:
    // [] where the set does not need them; model: an earlier reduction of the set, [] fits one
    tuple val(set), path(cells, stageAs: 'cells/*'), path(embeddings, stageAs: 'embeddings/*'), path(model, stageAs: 'model/*')
    path images, stageAs: 'images/*'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(set), path("${set}"), emit: reduced
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    reduce_features.py \\
        --options options.json \\
        --set ${set} \\
        ${cells ? '--cells cells' : ''} \\
        ${embeddings ? '--embeddings embeddings' : ''} \\
        --images images \\
        ${model ? "--model '${model}'" : ''} \\
        --out ${set} \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir -p ${set}/pca
    touch ${set}/pca_loadings.parquet ${set}/explained_variance.parquet ${set}/selected_features.parquet
    touch ${set}/umap.parquet ${set}/reduction.json versions.yml
    """
}
