//! A transport that expects certain requests, in order, and a clock that only jumps.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;

use crate::service::http::{Session, SessionSetup};
use crate::service::transport::{Clock, HttpRequest, HttpResponse, Transport, TransportError};

pub(crate) type TransportResult = Result<HttpResponse, TransportError>;

/// An answer with a JSON or other text as its body.
pub(crate) fn answer(status: u16, body: impl ToString) -> TransportResult {
    with(status, &[], body)
}

/// An answer with headers.
pub(crate) fn with(status: u16, headers: &[(&str, &str)], body: impl ToString) -> TransportResult {
    let mut builder = http::Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    Ok(builder.body(body.to_string().into_bytes()).unwrap())
}

pub(crate) fn lost() -> TransportResult {
    Err(TransportError::Lost("connection cut".into()))
}

pub(crate) fn unconnected() -> TransportResult {
    Err(TransportError::Connect("no route".into()))
}

/// The rows of a table of faults, counted: `make test` adds up what is printed here.
#[expect(clippy::print_stdout, reason = "the number is there to be read")]
pub(crate) fn rows<I: IntoIterator<IntoIter: ExactSizeIterator>>(
    table: &str,
    rows: I,
) -> I::IntoIter {
    let rows = rows.into_iter();
    println!("fault rows: {} {table}", rows.len());
    rows
}

/// The expected requests, those that were sent, and the time that was waited.
pub(crate) struct Script {
    expected: Mutex<VecDeque<(String, TransportResult)>>,
    pub(crate) sent: Mutex<Vec<HttpRequest>>,
    pub(crate) said: Mutex<Vec<String>>,
    pub(crate) masked: Mutex<Vec<String>>,
    now: Mutex<Timestamp>,
}

/// When every script starts: 2026-01-06T10:00:00Z.
pub(crate) const START: i64 = 1_767_693_600;

impl Script {
    /// Expects each `METHOD target`, the target without its authority.
    pub(crate) fn new(steps: Vec<(&str, TransportResult)>) -> Arc<Self> {
        let steps = steps
            .into_iter()
            .map(|(call, outcome)| (call.to_owned(), outcome));
        Arc::new(Self {
            expected: Mutex::new(steps.collect()),
            sent: Mutex::default(),
            said: Mutex::default(),
            masked: Mutex::default(),
            now: Mutex::new(Timestamp::from_second(START).unwrap()),
        })
    }

    /// A session of ten minutes over this script.
    pub(crate) fn session(self: &Arc<Self>) -> Arc<Session> {
        let deadline = Timestamp::from_second(START + 600).unwrap();
        let (said, masked) = (self.clone(), self.clone());
        let outside = SessionSetup {
            transport: self.clone(),
            clock: self.clone(),
            progress: Arc::new(move |text| said.said.lock().unwrap().push(text.to_owned())),
            mask: Arc::new(move |s| masked.masked.lock().unwrap().push(s.expose().to_owned())),
        };
        Session::new(outside, deadline, 7)
    }

    /// The seconds that have passed, and nothing that was expected is missing.
    #[track_caller]
    pub(crate) fn end(&self) -> i64 {
        let left = self.expected.lock().unwrap();
        let left: Vec<_> = left.iter().map(|(call, _)| call).collect();
        assert!(left.is_empty(), "never sent: {left:?}");
        self.now.lock().unwrap().as_second() - START
    }

    /// The JSON body of the request sent as number `index`.
    pub(crate) fn body(&self, index: usize) -> serde_json::Value {
        serde_json::from_slice(self.sent.lock().unwrap()[index].body()).unwrap()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: HttpRequest) -> TransportResult {
        let target = request.uri().path_and_query().unwrap();
        let call = format!("{} {target}", request.method());
        self.sent.lock().unwrap().push(request);
        let (expected, outcome) = self
            .expected
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or_else(|| {
                panic!("sent, and not expected: {call}");
            });
        assert_eq!(call, expected);
        outcome
    }
}

#[async_trait]
impl Clock for Script {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap()
    }

    async fn sleep(&self, duration: Duration) {
        let mut now = self.now.lock().unwrap();
        *now = now.checked_add(duration).unwrap();
    }
}
