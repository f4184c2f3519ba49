//! The portable back end: a loop over 128-bit vectors of lanes around a loop over steps, with states in registers.

mod lower;

use super::abi::Args;
use super::{Random, Steps};
use crate::ir::passes::quiet;
use crate::ir::{Kernel, Precision};
use cranelift_codegen::isa::{self, OwnedTargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_codegen::{Context, control::ControlPlane, ir::UserFuncName};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use std::mem::ManuallyDrop;
use std::sync::Arc;

type Entry = unsafe extern "C" fn(*mut Args, usize, usize, usize);

/// Owns executable memory; freed when the last function that lives in it goes.
struct Code {
    module: ManuallyDrop<JITModule>,
}

impl Drop for Code {
    fn drop(&mut self) {
        // SAFETY: `Compiled` holds this through an `Arc`, so no function of the module can run any more.
        unsafe { ManuallyDrop::take(&mut self.module).free_memory() }
    }
}

// SAFETY: after finalization the module is only read, and freed once.
unsafe impl Send for Code {}
// SAFETY: after finalization the module is only read, and freed once.
unsafe impl Sync for Code {}

/// A compiled kernel.
#[derive(Clone)]
pub struct Compiled {
    entry: Entry,
    precision: Precision,
    /// Which random bits it needs when.
    pub random: Arc<Random>,
    /// Keeps the machine code that `entry` points into alive.
    _code: Arc<Code>,
}

impl Compiled {
    /// Runs the kernel.
    ///
    /// # Safety
    /// As for [`super::KernelFn::call`].
    pub unsafe fn call(&self, args: &mut Args, begin: usize, end: usize, n_steps: usize) {
        // SAFETY: `entry` was compiled with this signature and `_code` keeps it; the rest is the caller's promise.
        unsafe { (self.entry)(args, begin, end, n_steps) }
    }

    /// Returns how many lanes share a byte of an event slot: those of one vector.
    pub fn lanes_per_byte(&self) -> usize {
        16 / self.precision.bytes()
    }

    /// Returns the kernel's precision.
    pub fn precision(&self) -> Precision {
        self.precision
    }
}

fn isa() -> OwnedTargetIsa {
    let builder = cranelift_native::builder().unwrap_or_else(|e| crate::ice!("this processor is not supported: {e}"));
    builder.finish(flags()).unwrap_or_else(|e| crate::ice!("cranelift: {e}"))
}

fn flags() -> settings::Flags {
    let mut flags = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    for (name, value) in [
        ("opt_level", "speed"),
        ("enable_verifier", verify),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("unwind_info", "false"),
    ] {
        flags.set(name, value).unwrap_or_else(|e| crate::ice!("cranelift refuses setting {name}: {e}"));
    }
    settings::Flags::new(flags)
}

/// Compiles one kernel.
pub fn compile(kernel: &Kernel, steps: Steps) -> Compiled {
    let mut module = JITModule::new(JITBuilder::with_isa(isa(), default_libcall_names()));
    let (context, id) = {
        let mut context = module.make_context();
        context.func.signature = lower::signature(&module.isa().default_call_conv());
        let id = module
            .declare_function("kernel", Linkage::Export, &context.func.signature)
            .unwrap_or_else(|e| crate::ice!("cranelift: {e}"));
        context.func.name = UserFuncName::user(0, id.as_u32());
        lower::lower(kernel, steps, &mut context.func, module.target_config());
        (context, id)
    };
    let mut context = context;
    module
        .define_function(id, &mut context)
        .unwrap_or_else(|e| crate::ice!("cranelift cannot compile {}: {e:?}", kernel.name));
    module.finalize_definitions().unwrap_or_else(|e| crate::ice!("cranelift: {e}"));
    let pointer = module.get_finalized_function(id);
    // SAFETY: the function was declared with exactly this signature.
    let entry = unsafe { std::mem::transmute::<*const u8, Entry>(pointer) };
    let random = Arc::new(Random::of(kernel, quiet(kernel).as_ref()));
    Compiled { entry, precision: kernel.precision, random, _code: Arc::new(Code { module: ManuallyDrop::new(module) }) }
}

/// Returns the Cranelift IR of a kernel.
pub fn clif(kernel: &Kernel, steps: Steps) -> String {
    let isa = isa();
    let mut context = Context::new();
    context.func.signature = lower::signature(&isa.default_call_conv());
    lower::lower(kernel, steps, &mut context.func, isa.frontend_config());
    context.func.display().to_string()
}

/// Returns the machine instructions of a kernel, as Cranelift prints them.
pub fn assembly(kernel: &Kernel, steps: Steps) -> String {
    instructions(kernel, steps, &isa()).unwrap_or_else(|e| crate::ice!("cranelift cannot compile {}: {e}", kernel.name))
}

/// Returns the instructions of a kernel for another machine, such as `aarch64`, if Cranelift was built with it.
pub fn assembly_for(machine: &str, kernel: &Kernel, steps: Steps) -> Result<String, String> {
    let builder = isa::lookup_by_name(machine).map_err(|e| e.to_string())?;
    let isa = builder.finish(flags()).map_err(|e| e.to_string())?;
    instructions(kernel, steps, &isa)
}

fn instructions(kernel: &Kernel, steps: Steps, isa: &OwnedTargetIsa) -> Result<String, String> {
    let mut context = Context::new();
    context.func.signature = lower::signature(&isa.default_call_conv());
    lower::lower(kernel, steps, &mut context.func, isa.frontend_config());
    context.set_disasm(true);
    let code = context.compile(&**isa, &mut ControlPlane::default()).map_err(|e| format!("{:?}", e.inner))?;
    Ok(code.vcode.clone().unwrap_or_default())
}
