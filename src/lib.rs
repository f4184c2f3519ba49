//! Neuro: a language for models of how brains learn, compiled.
//!
//! The pipeline, each stage with its input and output, is in [`compiler`]; the layer map and its invariants are in
//! `docs/architecture.md`.

/// Stops because an invariant of the compiler is broken; the text says what to report.
#[macro_export]
macro_rules! ice {
    ($($arg:tt)*) => {
        panic!("internal error, please report it with the file that caused it: {}", format!($($arg)*))
    };
}

pub mod budget;
pub mod builtin;
pub mod codegen;
pub mod compiler;
pub mod convert;
pub mod data;
pub mod describe;
pub mod diag;
pub mod disk;
pub mod draw;
pub mod editor;
pub mod elaborate;
pub mod evaluate;
pub mod experiment;
pub mod export;
pub mod figure;
pub mod hir;
pub mod image;
pub mod ir;
pub mod lower;
pub mod math;
pub mod measure;
pub mod morphology;
pub mod parallel;
pub mod plan;
pub mod report;
pub mod rng;
pub mod runtime;
pub mod solve;
pub mod source;
pub mod stdlib;
pub mod syntax;
pub mod units;
pub mod value;
