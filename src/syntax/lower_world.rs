//! pest pairs to AST: worlds.

use super::ast::*;
use super::grammar::Rule;
use super::lower::{Lowered, Lowerer, P};

impl Lowerer {
    /// `world Name(formals) { … }`
    pub(super) fn world(&self, pair: P) -> Lowered<World> {
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let formals = p.take(Rule::formals).map(|f| self.bindings(f)).transpose()?.unwrap_or_default();
        let mut body = Vec::new();
        for item in p.next()?.into_inner().filter(|i| i.as_rule() == Rule::world_item) {
            let item = self.parts(item).next()?;
            let rule = item.as_rule();
            let mut p = self.parts(item);
            match rule {
                Rule::world_state => {
                    for binding in p.all(Rule::world_binding) {
                        let mut p = self.parts(binding);
                        let name = self.name(&p.next()?);
                        let unit = p.take(Rule::unit_expr).map(|u| self.unit(u)).transpose()?;
                        body.push(WorldItem::State(name, unit, self.value(p.next()?)?));
                    }
                }
                Rule::let_item => body.push(WorldItem::Let(self.name(&p.next()?), self.expr(p.next()?)?)),
                Rule::action => {
                    let name = self.name(&p.next()?);
                    let formals = p.take(Rule::formals).map(|f| self.bindings(f)).transpose()?.unwrap_or_default();
                    body.push(WorldItem::Action(Action { name, formals, body: self.block(p.next()?)? }));
                }
                _ => {
                    p.all(Rule::k_done);
                    p.all(Rule::emit_when);
                    body.push(WorldItem::Done(self.expr(p.next()?)?));
                }
            }
        }
        Ok(World { name, formals, body })
    }
}
