// From raw planes to a report: the table of contents of the pipeline.

include { CHECK_DESIGN                          } from '../modules/local/check_design/main'
include { PROJECT_Z                             } from '../modules/local/project_z/main'
include { ESTIMATE_ILLUMINATION                 } from '../modules/local/correct_illumination/main'
include { APPLY_ILLUMINATION                    } from '../modules/local/correct_illumination/main'
include { QC_IMAGES                             } from '../modules/local/qc_images/main'
include { STAGE_WEIGHTS as STAGE_CELL_WEIGHTS   } from '../modules/local/stage_weights/main'
include { STAGE_WEIGHTS as STAGE_NUCLEAR_WEIGHTS } from '../modules/local/stage_weights/main'
include { ESTIMATE_DIAMETERS                    } from '../modules/local/estimate_diameters/main'
include { SEGMENT_CELLS                         } from '../modules/local/segment_cells/main'
include { MEASURE_CELLS                         } from '../modules/local/measure_cells/main'
include { CALL_DEATH                            } from '../modules/local/call_death/main'
include { ANNOTATE_CELLS                        } from '../modules/local/annotate_cells/main'
include { PROFILE_WELLS                         } from '../modules/local/profile_wells/main'
include { FIT_RESPONSES                         } from '../modules/local/fit_responses/main'
include { REDUCE_FEATURES                       } from '../modules/local/reduce_features/main'
include { PROFILE_FEATURES                      } from '../modules/local/profile_features/main'
include { EXPORT_ANNDATA                        } from '../modules/local/export_anndata/main'
include { EXPORT_IMAGES                         } from '../modules/local/export_images/main'
include { REPORT as CHOOSE_FIELDS               } from '../modules/local/report/main'
include { REPORT                                } from '../modules/local/report/main'
include { DEEP_PROFILES                         } from './deep_profiles'
include { deepLeftOut ; diametersMissing ; modelFile } from '../lib/environment'
include { imageFolders ; listingDigest          } from '../lib/image_folders'
include { stepInputs                           } from '../lib/steps'
include { byAcquisition ; byShard ; diameterSample ; diametersOf ; gathered ; plannedShards ; unitsOf } from '../lib/shards'

workflow MORPHODOSE {
    take:
    samplesheet // path
    plate_map   // path
    options     // the parameters

    main:
    def steps = stepInputs(options)
    def versions = channel.empty()
    def reduction_model = reductionModel(options.reduction_model)

    //
    // MODULE: read the design and find every fault of the input before anything expensive
    //
    def folders = imageFolders(samplesheet)
    CHECK_DESIGN(
        samplesheet, plate_map, folders, samplesheet.toAbsolutePath().parent.toString(), listingDigest(folders, [samplesheet, plate_map]), steps.CHECK_DESIGN
    )
    def units = CHECK_DESIGN.out.well_timepoints.map { json -> unitsOf(json) }

    //
    // MODULE: one image per field, from its z planes
    //
    PROJECT_Z(CHECK_DESIGN.out.well_timepoints.flatMap { json -> plannedShards(json) }, steps.PROJECT_Z)
    def images = PROJECT_Z.out.images

    //
    // MODULE: flat field of each acquisition, kept where it helps on images it has not seen (optional)
    //
    def illumination = channel.empty()
    if (options.illumination != 'none') {
        ESTIMATE_ILLUMINATION(
            byAcquisition(images, units),
            options.flat_fields ? file(options.flat_fields, glob: false) : [],
            options.dark_images ? file(options.dark_images, glob: false) : [],
            steps.ESTIMATE_ILLUMINATION
        )
        APPLY_ILLUMINATION(
            images.map { shard, found -> [shard.acquisition, shard, found] }
                .combine(ESTIMATE_ILLUMINATION.out.flat_field.map { meta, flat -> [meta.acquisition, flat] }, by: 0)
                .map { _acquisition, shard, found, flat -> [shard, found, flat] },
            steps.APPLY_ILLUMINATION
        )
        images = APPLY_ILLUMINATION.out.images
        illumination = ESTIMATE_ILLUMINATION.out.table
        versions = versions.mix(ESTIMATE_ILLUMINATION.out.versions)
    }

    //
    // MODULE: the weights, staged and checked once; they may be a download, which waits until the design is judged
    //
    def shipped = files("${projectDir}/assets/models/*.npz")
    def cell_model = CHECK_DESIGN.out.design.map { _json -> [options.cell_model, options.cell_model_sha256 ?: ''] }
    def nuclear_model = CHECK_DESIGN.out.design.map { _json -> [options.nuclear_model, options.nuclear_model_sha256 ?: ''] }
    STAGE_CELL_WEIGHTS(cell_model, modelFile(options.cell_model), shipped, steps.STAGE_CELL_WEIGHTS)
    STAGE_NUCLEAR_WEIGHTS(nuclear_model, modelFile(options.nuclear_model), shipped, steps.STAGE_NUCLEAR_WEIGHTS)

    //
    // MODULE: diameters of cells and nuclei, estimated once on a sample of vehicle wells where they are needed and not
    // given. Segmentation takes the values: where a new estimate says the same, what was segmented stays in the cache
    //
    def diameters = channel.value([:])
    def diameter_table = channel.empty()
    if (diametersMissing(options)) {
        ESTIMATE_DIAMETERS(
            diameterSample(images, CHECK_DESIGN.out.well_timepoints),
            STAGE_CELL_WEIGHTS.out.weights,
            STAGE_NUCLEAR_WEIGHTS.out.weights,
            steps.ESTIMATE_DIAMETERS
        )
        diameters = ESTIMATE_DIAMETERS.out.diameters.map { json -> new groovy.json.JsonSlurper().parse(json.toFile()) }
        diameter_table = ESTIMATE_DIAMETERS.out.table
    }

    //
    // MODULE: focus (against the size of a cell), saturation, background: keep, flag or drop each field, with the reason
    //
    QC_IMAGES(
        PROJECT_Z.out.images
            .combine(diameters.map { of_plate -> [of_plate] })
            // an estimate that is more than a guess
            .map { shard, found, of_plate -> [shard, found, diametersOf(of_plate[shard.plate]?.known, options)] },
        steps.QC_IMAGES
    )

    //
    // MODULE: cell and nucleus masks; a task takes several shards of an acquisition
    //
    SEGMENT_CELLS(
        gathered(images, units, 'segmentation_shard')
            .combine(diameters.map { of_plate -> [of_plate] })
            .map { shards, found, of_plate -> [shards, found, diametersOf(of_plate[shards[0].plate], options)] },
        STAGE_CELL_WEIGHTS.out.weights,
        STAGE_NUCLEAR_WEIGHTS.out.weights,
        steps.SEGMENT_CELLS
    )
    def masks = byShard(SEGMENT_CELLS.out.masks)

    //
    // MODULE: features of cells, nuclei and cytoplasm in every channel
    //
    def fields = images.join(masks)
    MEASURE_CELLS(fields, steps.MEASURE_CELLS)

    //
    // MODULE: Annexin V x PI gates from the vehicle wells of each acquisition, a state for each cell
    //
    def measured = byAcquisition(MEASURE_CELLS.out.measurements.join(masks).join(QC_IMAGES.out.qc), units)
    def gates = channel.empty()
    def gate_plots = channel.empty()
    def death = measured.map { meta, _measurements, _masks, _qc -> [meta, []] }
    if (options.early_death_channel || options.late_death_channel) {
        CALL_DEATH(measured.map { meta, measurements, _masks, qc -> [meta, measurements, qc] }, CHECK_DESIGN.out.plate_map, steps.CALL_DEATH)
        death = CALL_DEATH.out.death
        gates = CALL_DEATH.out.gates
        gate_plots = CALL_DEATH.out.plot
        versions = versions.mix(CALL_DEATH.out.versions)
    }

    //
    // MODULE: the tables of cells and images: measurements, plate map, death states and QC joined
    //
    ANNOTATE_CELLS(measured.join(death), CHECK_DESIGN.out.plate_map, steps.ANNOTATE_CELLS)
    // no list where the run was stopped before: nothing is to start with an empty one
    def images_table = sortedFiles(ANNOTATE_CELLS.out.images).filter { found -> found }
    def cells_table = sortedFiles(ANNOTATE_CELLS.out.cells.map { _meta, files -> files }.flatten()).filter { found -> found }

    //
    // MODULE: counts, fractions and medians of each well, with intervals
    //
    PROFILE_WELLS(
        cells_table,
        images_table,
        steps.PROFILE_WELLS
    )

    //
    // MODULE: dose response of each endpoint at each timepoint, and the order of events
    //
    FIT_RESPONSES(PROFILE_WELLS.out.wells, steps.FIT_RESPONSES)

    //
    // WORKFLOW: what a network sees in the cells, and whether it is real (where the screen has what that needs)
    //
    def embeddings = channel.value([])
    def deep = channel.empty()
    def not_learned = channel.empty()
    if (deepLeftOut(options) == null) {
        DEEP_PROFILES(
            fields.combine(CHECK_DESIGN.out.design.map { json -> [notLearnable(json)] })
                .filter { _shard, _images, _masks, why -> !why }
                .map { shard, projections, labels, _why -> [shard, projections, labels] },
            units,
            images_table,
            cells_table,
            CHECK_DESIGN.out.plate_map,
            options
        )
        embeddings = DEEP_PROFILES.out.trained.ifEmpty([])
        deep = DEEP_PROFILES.out.files
        not_learned = DEEP_PROFILES.out.not_learnable
        versions = versions.mix(DEEP_PROFILES.out.versions)
    }

    //
    // MODULE: the features that matter and their principal components: measured, seen by the network, and both
    //
    // what needs no network does not wait for one. An earlier reduction does not fit the embeddings: their axes
    // are those of networks that this run trained
    REDUCE_FEATURES(
        cells_table.map { files -> ['classical', files, [], reduction_model] }.mix(
            embeddings.filter { found -> found }
                .map { found -> [found] }
                .combine(cells_table.map { files -> [files] })
                .flatMap { embedded, cells -> [['deep', [], embedded, []], ['joint', cells, embedded, []]] }
        ),
        images_table,
        steps.REDUCE_FEATURES
    )
    def reduced = sortedFiles(REDUCE_FEATURES.out.reduced.map { _set, folder -> folder })

    //
    // MODULE: profiles of the wells against vehicle: are they active, and alike in the replicates
    //
    PROFILE_FEATURES(cells_table, embeddings, images_table, steps.PROFILE_FEATURES)

    //
    // MODULE: cells and wells as AnnData
    //
    EXPORT_ANNDATA(cells_table, PROFILE_WELLS.out.wells, reduced, PROFILE_FEATURES.out.profiles, steps.EXPORT_ANNDATA)

    //
    // MODULE: fields and masks of each acquisition for viewers and CellProfiler (on request)
    //
    if (options.export) {
        EXPORT_IMAGES(
            byAcquisition(fields, units),
            CHECK_DESIGN.out.design,
            images_table,
            steps.EXPORT_IMAGES
        )
        versions = versions.mix(EXPORT_IMAGES.out.versions)
    }

    //
    // MODULE: one page that says what was found and whether it is sound
    //
    versions = versions.mix(
        CHECK_DESIGN.out.versions, PROJECT_Z.out.versions, QC_IMAGES.out.versions, SEGMENT_CELLS.out.versions,
        MEASURE_CELLS.out.versions, ANNOTATE_CELLS.out.versions, PROFILE_WELLS.out.versions, FIT_RESPONSES.out.versions,
        REDUCE_FEATURES.out.versions, PROFILE_FEATURES.out.versions, EXPORT_ANNDATA.out.versions
    )
    def all_versions = versions.map { section -> section.text }.unique().toSortedList().map { sections -> versionsJson(sections) }
    def tables = [
        CHECK_DESIGN.out.design, CHECK_DESIGN.out.faults,
        PROFILE_WELLS.out.wells, PROFILE_WELLS.out.conditions,
        FIT_RESPONSES.out.responses, FIT_RESPONSES.out.curves, FIT_RESPONSES.out.onsets, FIT_RESPONSES.out.orders
    ].inject { all, each -> all.combine(each) }
    def focus = sortedFiles(PROJECT_Z.out.focus.flatten())
    def flat_fields = sortedFiles(illumination)
    def found_gates = sortedFiles(gates.mix(gate_plots))
    def further = sortedFiles(
        deep.mix(
            diameter_table,
            FIT_RESPONSES.out.points, FIT_RESPONSES.out.hits, FIT_RESPONSES.out.positions, FIT_RESPONSES.out.growth,
            FIT_RESPONSES.out.comparisons, FIT_RESPONSES.out.departures,
            REDUCE_FEATURES.out.reduced.map { _set, folder -> folder },
            PROFILE_FEATURES.out.scores, PROFILE_FEATURES.out.scorecard, PROFILE_FEATURES.out.differences,
            PROFILE_FEATURES.out.dropped, PROFILE_FEATURES.out.left_out
        )
    )
    def record = CHECK_DESIGN.out.design.combine(not_learned.ifEmpty(''))
        .combine(STAGE_CELL_WEIGHTS.out.about)
        .combine(STAGE_NUCLEAR_WEIGHTS.out.about)
        .map { json, why, cells, nuclei -> runRecord(options, notLearnable(json), why, [cell_model: aboutWeights(cells), nuclear_model: aboutWeights(nuclei)]) }
    // the page gets tables, and of all images and masks only those that it shows
    CHOOSE_FIELDS(tables, images_table, focus, flat_fields, found_gates, further, [], true, record, all_versions, steps.CHOOSE_FIELDS)
    def pictures = sortedFiles(
        fields.flatMap { _shard, projections, labels -> projections + labels }
            .combine(CHOOSE_FIELDS.out.shown)
            .flatMap { folder, json -> shownFiles(folder, json) }
    )
    REPORT(tables, images_table, focus, flat_fields, found_gates, further, pictures, false, record, all_versions, steps.REPORT)

    report = REPORT.out.report
    software = all_versions
    wells = PROFILE_WELLS.out.wells
    responses = FIT_RESPONSES.out.responses
    cells = ANNOTATE_CELLS.out.cells

    emit:
    report
    software
    wells
    responses
    cells
}

def sortedFiles(files) {
    return files.toSortedList { a, b -> a.name <=> b.name }
}

/** Files of a well's folder that the page shows. */
def shownFiles(folder, json) {
    def names = new groovy.json.JsonSlurper().parse(json.toFile())[folder.name] ?: []
    return names.collect { name -> folder.resolve(name) }.findAll { path -> path.exists() }
}

/** One JSON object of the versions.yml sections of all processes. */
def versionsJson(sections) {
    // a stub writes an empty section
    def merged = sections.inject([:]) { all, section -> all + (new org.yaml.snakeyaml.Yaml().load(section) ?: [:]) }
    return groovy.json.JsonOutput.toJson(merged.collectEntries { process, found -> [process.tokenize(':')[-1], found] })
}

/** The reduction of an earlier run that measurements are projected on, or [] where one is fitted. */
def reductionModel(folder) {
    if (!folder) {
        return []
    }
    def model = file(folder, glob: false).resolve('classical')
    def missing = ['selected_features.parquet', 'pca_loadings.parquet', 'explained_variance.parquet', 'reduction.json'].findAll { name -> !model.resolve(name).exists() }
    if (missing) {
        error("--reduction_model ${folder}: no ${missing.collect { name -> "classical/${name}" }.join(', ')} in this folder; give tables/reduced of an earlier run")
    }
    return model
}

/** Why no network can be trained and judged on the screen, as check_design found; empty where it can. */
def notLearnable(json) {
    return new groovy.json.JsonSlurper().parse(json.toFile()).not_learnable ?: ''
}

/** What stage_weights knows of a file; nothing of a stub's. */
def aboutWeights(json) {
    return json.text ? new groovy.json.JsonSlurperClassic().parseText(json.text) : [:]
}

/**
 * What is said of the run in the report: only what stays the same under -resume.
 *
 * Why nothing is learned is known of the design, before any crop is cut, or of the crops that QC has left.
 */
def runRecord(options, not_learnable, not_learned, weights) {
    def left_out = []
    if (!options.early_death_channel && !options.late_death_channel) {
        left_out << [step: 'call_death', reason: 'the screen has no death marker (--early_death_channel, --late_death_channel)']
    }
    if (options.illumination == 'none') {
        left_out << [step: 'correct_illumination', reason: 'not asked for (--illumination estimate or given)']
    }
    def deep_left_out = deepLeftOut(options) ?: not_learnable
    if (deep_left_out || not_learned) {
        def before = deep_left_out ? ['crop_cells', 'split_cells'] : []
        (before + ['train_resnet', 'embed_cells', 'explain_crops', 'score_models']).each { step ->
            left_out << [step: step, reason: deep_left_out ?: not_learned]
        }
    }
    return groovy.json.JsonOutput.toJson([
        pipeline: workflow.manifest.name,
        version: workflow.manifest.version,
        revision: workflow.commitId,
        nextflow: nextflow.version.toString(),
        profile: workflow.profile,
        container_engine: workflow.containerEngine,
        // where -resume finds the tasks, if it is not the default, which moves with the folder of the run
        work_dir: workflow.workDir == workflow.launchDir.resolve('work') ? null : workflow.workDir.toString(),
        left_out: left_out,
        weights: weights,
        // the forecast of the cost stands beside what the run cost
        rates: file("${projectDir}/assets/rates.csv", glob: false).text,
        // the folder of images is below that of the clone, which may move
        params: options.findAll { name, value -> value != null && !(name in ['help', 'force_unlock']) && !name.contains('-') && (workflow.containerEngine || !name.startsWith('container_')) }.sort()
    ])
}
