//! `snapshot ir of LifCond`: what the compiler made of a model or a network, to be compared with what it made before.

use super::outcome::Snapshot;
use super::run::Run;
use crate::codegen;
use crate::diag::{Code, Diagnostic};
use crate::evaluate::Attempt;
use crate::hir::experiment::model::Form;
use crate::image::Listing;
use crate::runtime::Running;
use crate::solve;
use crate::source::Span;

impl Run<'_> {
    pub(super) fn snapshot(&mut self, form: Form, of: &str, span: Span) -> Attempt<()> {
        let (text, machine) = match form {
            Form::Solved => (self.updates(of), None),
            Form::Plan => (self.live.iter().find(|l| l.name == of).map(|l| l.network().to_string()), None),
            Form::Ir => (self.kernels(of, |l| l.kernel.to_string()), None),
            Form::Clif => (self.kernels(of, |l| codegen::cranelift::clif(&l.kernel, l.steps)), None),
            Form::Asm => {
                let backend = self.runner.settings.backend;
                let assembly = |l: &Listing| codegen::assembly(backend, &l.kernel, l.steps);
                (self.kernels(of, assembly), Some(codegen::machine(backend)))
            }
        };
        match text {
            Some(text) => {
                let text = format!("{}\n", text.trim_end());
                self.out.snapshots.push(Snapshot { span, form, of: of.to_string(), machine, text });
                Ok(())
            }
            None => Err(nothing(form, of, span)),
        }
    }

    /// How the states of a neuron are advanced.
    fn updates(&self, of: &str) -> Option<String> {
        let neuron = self.runner.module.neurons.get(of)?;
        Some(solve::discretize(neuron).show(neuron))
    }

    /// The kernels that networks have run for a model, in order; those that are alike once.
    fn kernels(&self, of: &str, shown: impl Fn(&Listing) -> String) -> Option<String> {
        let running = self.live.iter().filter_map(|l| l.simulation.as_ref());
        let listings = running.flat_map(Running::listings);
        let of_model = |l: &Listing| l.kernel.name.strip_prefix(of).is_some_and(|rest| !rest.starts_with(is_of_name));
        let mut texts: Vec<String> = Vec::new();
        for text in listings.filter(of_model).map(|l| shown(&l)) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        (!texts.is_empty()).then(|| texts.join("\n"))
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn nothing(form: Form, of: &str, span: Span) -> Box<Diagnostic> {
    let message = format!("there is no `{}` of `{of}` yet", form.word());
    let d = Diagnostic::at(Code::E0818, span, message, "no network has run kernels of this name");
    Box::new(d.help("write it below a `run` of a network that has this model"))
}
