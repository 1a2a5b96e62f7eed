// What a run on the screen at hand would take; only its input is read.

include { CHECK_DESIGN                 } from '../modules/local/check_design/main'
include { ESTIMATE_COST                } from '../modules/local/estimate_cost/main'
include { imageFolders ; listingDigest } from '../lib/image_folders'
include { stepInputs } from '../lib/steps'

workflow DRY_RUN {
    take:
    samplesheet // path
    plate_map   // path
    options     // the parameters

    main:
    def steps = stepInputs(options)
    //
    // MODULE: read the design, and find every fault of the input
    //
    def folders = imageFolders(samplesheet)
    CHECK_DESIGN(
        samplesheet, plate_map, folders, samplesheet.toAbsolutePath().parent.toString(), listingDigest(folders, [samplesheet, plate_map]), steps.CHECK_DESIGN
    )

    //
    // MODULE: tasks, core-hours, GPU-hours and storage, from measured rates
    //
    ESTIMATE_COST(
        CHECK_DESIGN.out.design,
        file("${projectDir}/assets/rates.csv", checkIfExists: true),
        options.dry_run_results ? file(options.dry_run_results, glob: false) : [],
        steps.ESTIMATE_COST
    )
    ESTIMATE_COST.out.text.view { page -> page.text }
    cost = ESTIMATE_COST.out.cost

    emit:
    cost
}
