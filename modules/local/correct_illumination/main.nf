process ESTIMATE_ILLUMINATION {
    tag "${meta.acquisition}"
    label 'process_low'

    input:
    tuple val(meta), path(images, stageAs: 'images/*')   // all wells of one acquisition
    path flat_fields, stageAs: 'flat_fields'             // folders of the user, [] without
    path dark_images, stageAs: 'dark_images'
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(meta), path("${meta.acquisition}_flat_field"), emit: flat_field
    path "${meta.acquisition}_illumination.parquet", emit: table
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    correct_illumination.py estimate \\
        --options options.json \\
        --acquisition ${meta.acquisition} \\
        ${flat_fields ? "--flat_fields ${flat_fields}" : ''} \\
        ${dark_images ? "--dark_images ${dark_images}" : ''} \\
        --out ${meta.acquisition}_flat_field \\
        ${args} \\
        images/*
    cp ${meta.acquisition}_flat_field/illumination.parquet ${meta.acquisition}_illumination.parquet
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir ${meta.acquisition}_flat_field
    touch ${meta.acquisition}_illumination.parquet versions.yml
    """
}

process APPLY_ILLUMINATION {
    tag "${shard.name}"
    label 'process_single'

    input:
    tuple val(shard), path(images, stageAs: 'images/*'), path(flat_field)
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    tuple val(shard), path('corrected/*', arity: '1..*'), emit: images

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${groovy.json.JsonOutput.toJson(shard.wells)}' > wells.json
    printf '%s' '${options}' > options.json
    correct_illumination.py apply \\
        --options options.json \\
        --keys wells.json \\
        --images images \\
        --flatfields ${flat_field} \\
        --out corrected \\
        ${args}
    """

    stub:
    """
    for id in ${shard.wells*.id.join(' ')}; do
        mkdir -p corrected/\$id
        touch corrected/\$id/\${id}_Field_1.ome.tiff
    done
    """
}
