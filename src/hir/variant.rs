//! Variants: a model or network that says only which parameters of another one have other values.

use super::arguments::bind;
use super::infer::Infer;
use super::{Module, errors};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::syntax::ast::{
    Arg, Binding, File, ItemKind, Model, ModelItem, ModelKind, Name, Network, NetworkItem, Variant,
};
use std::collections::HashMap;

/// Models and networks as they are written, by name.
#[derive(Default)]
pub struct Bases {
    models: HashMap<String, Model>,
    networks: HashMap<String, Network>,
}

impl Bases {
    /// Replaces the variants of a file by what they are written out: the other one with other defaults.
    pub fn write_out(&mut self, file: &mut File, module: &Module, diagnostics: &mut Diagnostics) {
        file.items.iter().for_each(|item| self.learn(&item.kind));
        loop {
            let mut done = true;
            for item in &mut file.items {
                let ItemKind::Variant(v) = &item.kind else { continue };
                if let Some(written) = self.written(v, module, diagnostics) {
                    item.kind = written;
                    self.learn(&item.kind);
                    done = false;
                }
            }
            if done {
                break;
            }
        }
        // What is left has no base, or follows from itself.
        let left: Vec<Variant> = file
            .items
            .extract_if(.., |item| matches!(item.kind, ItemKind::Variant(_)))
            .filter_map(|item| if let ItemKind::Variant(v) = item.kind { Some(v) } else { None })
            .collect();
        for v in &left {
            diagnostics.push(self.refusal(v, &left));
        }
    }

    fn learn(&mut self, item: &ItemKind) {
        match item {
            ItemKind::Model(m) => drop(self.models.insert(m.name.text.clone(), m.clone())),
            ItemKind::Network(n) => drop(self.networks.insert(n.name.text.clone(), n.clone())),
            _ => {}
        }
    }

    /// Writes a variant out, if what it is a variant of is known.
    fn written(&self, v: &Variant, module: &Module, diagnostics: &mut Diagnostics) -> Option<ItemKind> {
        match v.kind {
            Some(kind) => {
                let mut model = self.models.get(&v.base.text).filter(|m| m.kind == kind)?.clone();
                let params = model.body.iter_mut().filter_map(|item| match item {
                    ModelItem::Params(list) => Some(list),
                    _ => None,
                });
                give(params.flatten().collect(), v, module, diagnostics);
                Some(ItemKind::Model(Model { name: v.name.clone(), ..model }))
            }
            None => {
                let mut network = self.networks.get(&v.base.text)?.clone();
                let own = network.body.iter_mut().filter_map(|item| match item {
                    NetworkItem::Params(list) => Some(list),
                    _ => None,
                });
                give(network.formals.iter_mut().chain(own.flatten()).collect(), v, module, diagnostics);
                Some(ItemKind::Network(Network { name: v.name.clone(), ..network }))
            }
        }
    }

    /// Says why a variant could not be written out.
    fn refusal(&self, v: &Variant, left: &[Variant]) -> Diagnostic {
        if left.iter().any(|other| other.name.text == v.base.text) {
            let message = format!("`{}` is a variant of itself", v.name.text);
            return Diagnostic::at(Code::E0503, v.base.span, message, "leads back to it")
                .help("write one of them out, with a body in braces");
        }
        let kind = |m: &&Model| Some(m.kind) == v.kind;
        let models = self.models.values().filter(kind).map(|m| m.name.text.as_str());
        match v.kind {
            Some(ModelKind::Synapse) => errors::unknown_model("synapse", &v.base, models.collect::<Vec<&str>>()),
            Some(_) => errors::unknown_model("neuron", &v.base, models.collect::<Vec<&str>>()),
            None => errors::unknown_model(
                "network",
                &v.base,
                self.networks.keys().map(String::as_str).collect::<Vec<&str>>(),
            ),
        }
    }
}

/// Gives parameters the defaults of a variant.
fn give(params: Vec<&mut Binding>, v: &Variant, module: &Module, diagnostics: &mut Diagnostics) {
    let names: Vec<(String, bool)> = params.iter().map(|p| (p.name.text.clone(), true)).collect();
    let names: Vec<(&str, bool)> = names.iter().map(|(n, optional)| (n.as_str(), *optional)).collect();
    let args: Vec<&Arg> = v.args.iter().collect();
    let Name { text, span } = &v.base;
    let Some(values) = bind(&mut Infer::new(module, diagnostics), text, &names, &args, *span, None) else { return };
    for (param, value) in params.into_iter().zip(values) {
        if let Some(value) = value {
            param.value = Some(value.clone());
        }
    }
}
