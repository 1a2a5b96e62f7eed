process EXPORT_IMAGES {
    tag "${meta.acquisition}"
    label 'process_single'

    input:
    tuple val(meta), path(fields, stageAs: 'fields/*'), path(masks, stageAs: 'masks/*')   // folders of the wells of an acquisition
    path design
    path images, stageAs: 'images/*'   // of the whole screen, which is shown with one contrast
    tuple val(options), val(code)      // JSON of the parameters, digest of the code

    output:
    path "*.ome.zarr", optional: true, emit: plates
    path "*_load_data.csv", optional: true, emit: tables
    path "workspace/**.{csv,txt}", optional: true, emit: gallery
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    export_images.py \\
        --options options.json \\
        --design ${design} \\
        --images images \\
        --fields fields \\
        --masks masks \\
        --acquisition '${meta.acquisition}' \\
        --out . \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir '${meta.acquisition}.ome.zarr'
    mkdir -p 'workspace/load_data_csv/batch1/${meta.acquisition}'
    touch 'workspace/load_data_csv/batch1/${meta.acquisition}/load_data.csv'
    touch '${meta.acquisition}.ome.zarr/.zattrs' '${meta.acquisition}_load_data.csv' versions.yml
    """
}
