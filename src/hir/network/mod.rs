//! Checks networks: names, models, ports, and the units and shapes of every clause; returns them with ids and types.

mod access;
mod drive;
mod items;
pub mod model;
mod names;
mod projection;
mod valueless;
mod world;

pub(super) use self::access::{element, refuse_segment};
pub(super) use self::drive::drive;
pub(super) use self::items::{arguments, nested, turn};
pub(super) use self::world::{World, elementwise};

use self::items::items;
use super::infer::Infer;
use super::*;
use crate::diag::Diagnostics;

/// Checks a network declaration.
pub(super) fn check_network(module: &Module, network: &ast::Network, diagnostics: &mut Diagnostics) -> model::Network {
    let mut infer = Infer::new(module, diagnostics);
    let mut world = World::default();
    let params = world.formals(&mut infer, &network.formals);
    let body = items(&mut infer, &mut world, &network.body);
    let members = world.names.iter().cloned().collect();
    model::Network {
        name: network.name.text.clone(),
        span: network.name.span,
        params,
        body,
        locals: world.locals,
        members,
        hidden: world.hidden,
        reads: infer.members,
    }
}
