//! All integration tests in one binary.

#[path = "suite/support.rs"]
mod support;
#[path = "suite/sweep.rs"]
mod sweep;

#[path = "suite/along.rs"]
mod along;
#[path = "suite/architecture.rs"]
mod architecture;
#[path = "suite/batches.rs"]
mod batches;
#[path = "suite/cables.rs"]
mod cables;
#[path = "suite/chances.rs"]
mod chances;
#[path = "suite/channels.rs"]
mod channels;
#[path = "suite/checkpoint.rs"]
mod checkpoint;
#[path = "suite/chosen.rs"]
mod chosen;
#[path = "suite/codegen.rs"]
mod codegen;
#[path = "suite/conditions.rs"]
mod conditions;
#[path = "suite/contributions.rs"]
mod contributions;
#[path = "suite/damaged.rs"]
mod damaged;
#[path = "suite/data.rs"]
mod data;
#[path = "suite/determinism.rs"]
mod determinism;
#[path = "suite/docs.rs"]
mod docs;
#[path = "suite/emit.rs"]
mod emit;
#[path = "suite/empty.rs"]
mod empty;
#[path = "suite/errors.rs"]
mod errors;
#[path = "suite/eventless.rs"]
mod eventless;
#[path = "suite/export.rs"]
mod export;
#[path = "suite/exported_networks.rs"]
mod exported_networks;
#[path = "suite/figures.rs"]
mod figures;
#[path = "suite/immediate.rs"]
mod immediate;
#[path = "suite/inputs.rs"]
mod inputs;
#[path = "suite/kernels.rs"]
mod kernels;
#[path = "suite/layout.rs"]
mod layout;
#[path = "suite/limits.rs"]
mod limits;
#[path = "suite/lsp.rs"]
mod lsp;
#[path = "suite/maps.rs"]
mod maps;
#[path = "suite/meaning.rs"]
mod meaning;
#[path = "suite/methods.rs"]
mod methods;
#[path = "suite/models.rs"]
mod models;
#[path = "suite/morphologies.rs"]
mod morphologies;
#[path = "suite/mutants.rs"]
mod mutants;
#[path = "suite/neuroml.rs"]
mod neuroml;
#[path = "suite/nmodl.rs"]
mod nmodl;
#[path = "suite/oracle.rs"]
mod oracle;
#[path = "suite/parts.rs"]
mod parts;
#[path = "suite/planned.rs"]
mod planned;
#[path = "suite/plasticity.rs"]
mod plasticity;
#[path = "suite/properties.rs"]
mod properties;
#[path = "suite/ranks.rs"]
mod ranks;
#[path = "suite/rates.rs"]
mod rates;
#[path = "suite/recordings.rs"]
mod recordings;
#[path = "suite/recovery.rs"]
mod recovery;
#[path = "suite/reference.rs"]
mod reference;
#[path = "suite/report.rs"]
mod report;
#[path = "suite/responses.rs"]
mod responses;
#[path = "suite/results.rs"]
mod results;
#[path = "suite/security.rs"]
mod security;
#[path = "suite/session.rs"]
mod session;
#[path = "suite/shared.rs"]
mod shared;
#[path = "suite/steps.rs"]
mod steps;
#[path = "suite/swc.rs"]
mod swc;
#[path = "suite/syntax.rs"]
mod syntax;
#[path = "suite/tables.rs"]
mod tables;
#[path = "suite/testing.rs"]
mod testing;
#[path = "suite/transposes.rs"]
mod transposes;
#[path = "suite/variants.rs"]
mod variants;
#[path = "suite/weights.rs"]
mod weights;
#[path = "suite/windows.rs"]
mod windows;
#[path = "suite/words.rs"]
mod words;
#[path = "suite/worlds.rs"]
mod worlds;
