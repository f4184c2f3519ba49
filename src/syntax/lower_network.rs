//! pest pairs to AST: networks, projections and drives.

use super::ast::*;
use super::grammar::Rule;
use super::lower::{Lowered, Lowerer, P, Parts, unquote};

impl Lowerer {
    pub(super) fn network(&self, pair: P) -> Lowered<Network> {
        let mut p = self.parts(pair);
        let name = self.name(&p.next()?);
        let formals = p.take(Rule::formals).map(|f| self.bindings(f)).transpose()?.unwrap_or_default();
        Ok(Network { name, formals, body: self.network_body(p.next()?)? })
    }

    fn network_body(&self, pair: P) -> Lowered<Vec<NetworkItem>> {
        pair.into_inner().filter(|p| p.as_rule() == Rule::network_item).map(|i| self.network_item(i)).collect()
    }

    fn network_item(&self, pair: P) -> Lowered<NetworkItem> {
        let item = self.parts(pair).next()?;
        self.one_item(item)
    }

    fn one_item(&self, pair: P) -> Lowered<NetworkItem> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let mut p = self.parts(pair.clone());
        Ok(match rule {
            Rule::population => {
                let (name, model) = (self.name(&p.next()?), self.name(&p.next()?));
                let args = self.opt_args(&mut p)?;
                let shape = p.take(Rule::index).map(|i| self.exprs(i)).transpose()?.unwrap_or_default();
                let spacing = p.take(Rule::spacing).map(|s| self.expr(self.parts(s).next()?)).transpose()?;
                NetworkItem::Population { name, model, args, shape, spacing, span }
            }
            Rule::sub_network => {
                let (name, model) = (self.name(&p.next()?), self.name(&p.next()?));
                NetworkItem::Network { name, model, args: self.opt_args(&mut p)?, span }
            }
            Rule::init => {
                let paths = p.all(Rule::view_path).into_iter().map(|v| self.view_path(v)).collect::<Lowered<_>>()?;
                NetworkItem::Init(paths, self.value(p.next()?)?)
            }
            Rule::projection => NetworkItem::Projection(Box::new(self.projection(pair)?)),
            Rule::drive => NetworkItem::Drive(self.drive(pair)?),
            Rule::view => {
                let (name, of) = (self.name(&p.next()?), self.view_path(p.next()?)?);
                NetworkItem::View(name, of, p.next().ok().map(|e| self.expr(e)).transpose()?)
            }
            Rule::let_item => NetworkItem::Let(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::params => NetworkItem::Params(self.bindings(pair)?),
            Rule::net_for => {
                let (variable, range) = (self.name(&p.next()?), self.expr(p.next()?)?);
                NetworkItem::For(variable, range, self.network_body(p.next()?)?)
            }
            _ => {
                let condition = self.expr(p.next()?)?;
                let then = self.network_body(p.next()?)?;
                let otherwise = match p.take(Rule::net_if) {
                    Some(other) => vec![self.one_item(other)?],
                    None => match p.take(Rule::network_body) {
                        Some(body) => self.network_body(body)?,
                        None => Vec::new(),
                    },
                };
                NetworkItem::If(condition, then, otherwise)
            }
        })
    }

    fn view_path(&self, pair: P) -> Lowered<ViewPath> {
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        let path = self.name(&p.next()?);
        let steps = p.all(Rule::view_step).into_iter().map(|s| {
            let mut p = self.parts(s);
            Ok((self.exprs(p.next()?)?, p.take(Rule::view_tail).map(|t| self.tail(&t))))
        });
        Ok(ViewPath { path, steps: steps.collect::<Lowered<_>>()?, shared: None, span })
    }

    fn tail(&self, pair: &P) -> Name {
        let mut name = self.name(pair);
        name.text = name.text.trim_start_matches('.').to_string();
        name.span.start += 1;
        name
    }

    /// `(exc, inh).ex` distributes the tail over the list.
    fn endpoints(&self, pair: P) -> Lowered<Vec<ViewPath>> {
        let mut p = self.parts(pair);
        let mut paths: Vec<ViewPath> =
            p.all(Rule::view_path).into_iter().map(|v| self.view_path(v)).collect::<Lowered<_>>()?;
        if let Some(shared) = p.take(Rule::view_tail).map(|t| self.tail(&t)) {
            paths.iter_mut().for_each(|path| path.shared = Some(shared.clone()));
        }
        Ok(paths)
    }

    pub(super) fn value(&self, pair: P) -> Lowered<Value> {
        let inner = self.parts(pair).next()?;
        Ok(match inner.as_rule() {
            Rule::distribution => Value::Distribution(self.distribution(inner)?),
            _ => Value::Expr(self.expr(inner)?),
        })
    }

    fn projection(&self, pair: P) -> Lowered<Projection> {
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        let name = p.take(Rule::ident).map(|n| self.name(&n));
        let sources = self.endpoints(p.next()?)?;
        let targets = self.endpoints(p.next()?)?;
        let synapse = p.take(Rule::ident).map(|n| self.name(&n));
        let args = self.opt_args(&mut p)?;
        let clauses = match p.take(Rule::projection_body) {
            None => Vec::new(),
            Some(body) => body.into_inner().map(|c| self.clause(self.parts(c).next()?)).collect::<Lowered<_>>()?,
        };
        Ok(Projection { name, sources, targets, synapse, args, clauses, span })
    }

    pub(super) fn drive(&self, pair: P) -> Lowered<Drive> {
        let span = self.span(&pair);
        let mut p = self.parts(pair);
        let targets = self.endpoints(p.next()?)?;
        let clauses = p
            .all(Rule::drive_clause)
            .into_iter()
            .map(|c| self.clause(self.parts(c).next()?))
            .collect::<Lowered<_>>()?;
        Ok(Drive { targets, clauses, span })
    }

    pub(super) fn amount(&self, p: &mut Parts) -> Lowered<Value> {
        let inner = p.next()?;
        Ok(match inner.as_rule() {
            Rule::distribution => Value::Distribution(self.distribution(inner)?),
            _ => Value::Expr(self.expr(inner)?),
        })
    }

    fn clause(&self, pair: P) -> Lowered<Clause> {
        let span = self.span(&pair);
        let rule = pair.as_rule();
        let text = pair.as_str().to_string();
        let mut p = self.parts(pair);
        Ok(match rule {
            Rule::connect_clause => {
                let rest = text.trim_start_matches("connect").trim_start().to_string();
                let first = p.next()?;
                match first.as_rule() {
                    Rule::string | Rule::ident => {
                        let table_span = self.span(&first);
                        let kind = match first.as_rule() {
                            Rule::string => ExprKind::Text(unquote(first.as_str())),
                            _ => ExprKind::Name(self.name(&first).text),
                        };
                        Clause::ConnectTable(Expr { kind, span: table_span }, self.opt_args(&mut p)?, table_span)
                    }
                    Rule::path => Clause::Transpose(self.name(&first)),
                    _ if rest.starts_with("where") => Clause::ConnectWhere(self.expr(first)?),
                    _ => Clause::Connect(self.expr(first)?),
                }
            }
            Rule::weight_clause => Clause::Weight(self.amount(&mut p)?, span),
            Rule::delay_clause => {
                let dendritic = text.trim_start_matches("delay").trim_start().starts_with("dendritic");
                Clause::Delay(self.amount(&mut p)?, dendritic, span)
            }
            Rule::place_clause => {
                let rest = text.trim_start_matches("place").trim_start();
                let word: &str = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("");
                let site = match word {
                    "each" => Site::Each,
                    "segment" => Site::Segment(self.amount(&mut p)?),
                    _ => Site::Distance(self.amount(&mut p)?),
                };
                Clause::Place(site, span)
            }
            Rule::modulator_clause => Clause::Modulator(self.name(&p.next()?), self.expr(p.next()?)?),
            Rule::init_clause => Clause::Init(self.name(&p.next()?), self.value(p.next()?)?),
            Rule::poisson_clause => Clause::Random(Process::Poisson, self.expr(p.next()?)?),
            Rule::bernoulli_clause => Clause::Random(Process::Bernoulli, self.expr(p.next()?)?),
            Rule::spikes_clause => Clause::Spikes(self.expr(p.next()?)?),
            _ => Clause::Store(self.name(&p.next()?)),
        })
    }
}
