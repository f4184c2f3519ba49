//! Kernels: slots (named per-lane memory), values in SSA order, and stores.

use super::op::{Op, Type};
use cranelift_entity::{PrimaryMap, entity_impl};

/// A value of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value(u32);
entity_impl!(Value, "v");

/// A slot of a kernel.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u32);
entity_impl!(Slot, "s");

/// The floating-point type of a kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// Single.
    #[default]
    F32,
    /// Double.
    F64,
}

impl Precision {
    /// Returns the size of a value in bytes.
    pub fn bytes(self) -> usize {
        match self {
            Precision::F32 => 4,
            Precision::F64 => 8,
        }
    }
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Precision::F32 => "f32",
            Precision::F64 => "f64",
        })
    }
}

/// How a slot changes with lane and step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SlotKind {
    /// One value per lane that the kernel reads and replaces in every step.
    State,
    /// One value per lane, the same in all steps.
    Lane,
    /// One value per lane and step, read.
    Step,
    /// One value per step, the same in all lanes.
    Uniform,
    /// One value per lane and step, written.
    Out,
    /// One bit per lane and step, written.
    Event,
}

impl SlotKind {
    /// All kinds with their words in the text form.
    pub const WORDS: [(SlotKind, &'static str); 6] = [
        (SlotKind::State, "state"),
        (SlotKind::Lane, "lane"),
        (SlotKind::Step, "step"),
        (SlotKind::Uniform, "uniform"),
        (SlotKind::Out, "out"),
        (SlotKind::Event, "event"),
    ];
}

/// A slot's name and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotDef {
    /// For readers.
    pub name: String,
    /// How it changes.
    pub kind: SlotKind,
}

/// A straight-line program for one lane and one step.
#[derive(Debug, Clone, PartialEq)]
pub struct Kernel {
    /// For readers.
    pub name: String,
    /// Type of floats.
    pub precision: Precision,
    /// Memory.
    pub slots: PrimaryMap<Slot, SlotDef>,
    /// Operations; operands come before their uses.
    pub values: PrimaryMap<Value, Op>,
    /// What is written at the end of the step; each slot at most once.
    pub stores: Vec<(Slot, Value)>,
}

impl Kernel {
    /// Creates an empty kernel.
    pub fn new(name: impl Into<String>, precision: Precision) -> Self {
        Kernel { name: name.into(), precision, slots: PrimaryMap::new(), values: PrimaryMap::new(), stores: Vec::new() }
    }

    /// Returns the type of a value.
    pub fn type_of(&self, v: Value) -> Type {
        match self.values[v] {
            Op::LoadBits(_)
            | Op::IConst(_)
            | Op::IAdd(..)
            | Op::ISub(..)
            | Op::IAnd(..)
            | Op::IOr(..)
            | Op::Shl(..)
            | Op::Shr(..)
            | Op::ToBits(_) => Type::Int,
            Op::MConst(_) | Op::Lt(..) | Op::Le(..) | Op::Eq(..) | Op::And(..) | Op::Or(..) | Op::Not(_) => Type::Mask,
            Op::Select(_, a, _) => self.type_of(a),
            _ => Type::Float,
        }
    }
}
