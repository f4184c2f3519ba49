//! The page of a run while it goes on, served on the loopback: `/` is the page, `/events` what happens, as server-sent events.

use super::messages::Stop;
use neuro::report::live_page;
use serde_json::Value;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};
use tiny_http::{Header, Request, Response, Server};

/// How long pages get to hear of the end.
const FAREWELL: Duration = Duration::from_secs(2);

/// Events so far, and who has heard them.
#[derive(Default)]
struct Told {
    /// Of progress and each measure, only the newest is kept; those that were replaced are empty.
    events: Vec<(String, Arc<str>)>,
    ended: bool,
    /// Pages that are open and have not heard the end.
    open: usize,
}

#[derive(Default)]
struct Shared {
    told: Mutex<Told>,
    more: Condvar,
}

/// A page that is being served.
pub struct Page {
    shared: Arc<Shared>,
    address: SocketAddr,
}

impl Page {
    /// Begins to serve; any free port is taken if it is 0.
    pub fn open(port: u16, experiment: &str) -> Result<Page, Stop> {
        let bad = |e: &dyn std::fmt::Display| Stop::Usage(format!("cannot serve a page at port {port}: {e}"));
        let server = Server::http((Ipv4Addr::LOCALHOST, port)).map_err(|e| bad(&e))?;
        let address = server.server_addr().to_ip().ok_or_else(|| bad(&"it has no address"))?;
        let shared = Arc::new(Shared::default());
        let (html, of) = (live_page(experiment), shared.clone());
        std::thread::spawn(move || {
            while let Ok(request) = server.recv() {
                answer(request, &html, address.port(), &of);
            }
        });
        Ok(Page { shared, address })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Sends an event to all pages, also to those that are opened later.
    pub fn send(&self, event: &Value) {
        let kind = event["event"].as_str().unwrap_or_default();
        let key = match kind {
            "progress" => kind.to_string(),
            "measure" => format!("measure {}", event["measure"]["name"]),
            _ => String::new(),
        };
        let Ok(mut told) = self.shared.told.lock() else { return };
        if !key.is_empty() {
            told.events.iter_mut().filter(|(k, _)| *k == key).for_each(|(k, text)| {
                k.clear();
                *text = "".into();
            });
        }
        told.events.push((key, event.to_string().into()));
        told.ended |= kind == "end";
        drop(told);
        self.shared.more.notify_all();
    }

    /// Waits until open pages have heard the end, for a moment.
    pub fn close(&self) {
        let begun = Instant::now();
        let Ok(mut told) = self.shared.told.lock() else { return };
        while told.open > 0 && begun.elapsed() < FAREWELL {
            match self.shared.more.wait_timeout(told, FAREWELL) {
                Ok((t, _)) => told = t,
                Err(_) => return,
            }
        }
    }
}

/// Answers a request; nobody but pages of this machine is meant.
fn answer(request: Request, html: &str, port: u16, shared: &Arc<Shared>) {
    let host = request.headers().iter().find(|h| h.field.equiv("Host")).map(|h| h.value.to_string());
    let known = [format!("127.0.0.1:{port}"), format!("localhost:{port}")];
    if !host.is_some_and(|h| known.contains(&h)) {
        let _ = request.respond(Response::from_string("not here").with_status_code(403));
        return;
    }
    match request.url() {
        "/" => {
            let kind = Header::from_bytes("Content-Type", "text/html; charset=utf-8");
            let mut response = Response::from_string(html);
            kind.into_iter().for_each(|h| response.add_header(h));
            let _ = request.respond(response);
        }
        "/events" => {
            let shared = shared.clone();
            std::thread::spawn(move || {
                if let Ok(mut told) = shared.told.lock() {
                    told.open += 1;
                }
                let _ = stream(&mut request.into_writer(), &shared);
                if let Ok(mut told) = shared.told.lock() {
                    told.open -= 1;
                }
                shared.more.notify_all();
            });
        }
        _ => {
            let _ = request.respond(Response::from_string("nothing here").with_status_code(404));
        }
    }
}

/// Writes all events, then each as it comes, until the end.
fn stream(to: &mut dyn Write, shared: &Shared) -> std::io::Result<()> {
    to.write_all(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n",
    )?;
    let mut next = 0;
    loop {
        let (events, ended) = {
            let Ok(mut told) = shared.told.lock() else { return Ok(()) };
            while told.events.len() == next && !told.ended {
                told = match shared.more.wait(told) {
                    Ok(told) => told,
                    Err(_) => return Ok(()),
                };
            }
            let events: Vec<Arc<str>> = told.events[next..].iter().map(|(_, text)| text.clone()).collect();
            next = told.events.len();
            (events, told.ended)
        };
        for text in events.iter().filter(|t| !t.is_empty()) {
            write!(to, "data: {text}\n\n")?;
        }
        to.flush()?;
        if ended {
            return Ok(());
        }
    }
}
