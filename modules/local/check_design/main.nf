process CHECK_DESIGN {
    label 'process_single'

    input:
    path samplesheet, stageAs: 'input/*'
    path plate_map, stageAs: 'input/*'
    path folders, stageAs: 'folders/?????'   // staged so that containers mount them; read at their own path
    val base_dir                             // folder of the samplesheet, which relative image folders refer to
    val listing                              // digest of the files in the folders
    tuple val(options), val(code)   // JSON of the parameters, digest of the code

    output:
    path 'design/design.json', emit: design
    path 'design/well_timepoints.json', emit: well_timepoints
    path 'design/plate_map.csv', emit: plate_map
    path 'design/planes.parquet', emit: planes
    path 'design/design_faults.parquet', emit: faults
    path 'versions.yml', emit: versions

    script:
    def args = task.ext.args ?: ''
    """
    printf '%s' '${options}' > options.json
    check_design.py \\
        --options options.json \\
        --samplesheet ${samplesheet} \\
        --plate_map ${plate_map} \\
        --base_dir '${base_dir.toString().replace("'", "'\\''")}' \\
        --out design \\
        ${args}
    versions.py --process ${task.process} > versions.yml
    """

    stub:
    """
    mkdir design
    touch design/plane.tif
    echo '{}' > design/design.json
    # one well, so that a stub run goes through every step
    printf '[{"id": "Time_1hrs_R1_Well_A01", "acquisition": "Time_1hrs_R1", "plate": "P1", "timepoint_h": 1, "replicate": "1",
        "well": "A01", "diameter_sample": true, "shard": "Time_1hrs_R1_Well_A01", "segmentation_shard": "Time_1hrs_R1_Well_A01",
        "embedding_shard": "Time_1hrs_R1_Well_A01", "planes": [{"path": "%s", "place": "", "field": 1, "z": 1, "channel": "stub"}]}]' "\$PWD/design/plane.tif" > design/well_timepoints.json
    echo 'plate,well,compound,dose,dose_unit,role' > design/plate_map.csv
    touch design/planes.parquet design/design_faults.parquet versions.yml
    """
}
