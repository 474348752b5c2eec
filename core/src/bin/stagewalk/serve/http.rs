//! HTTP/1 on one thread: a connection is a task, so that none waits for others, be they busy or idle.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::sleep;

/// What is sent back.
pub type Answer = Response<Full<Bytes>>;

/// What answers requests.
pub trait Answers: Send + Sync + 'static {
    /// The answer to a request, whose body is still to be read.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Answer> + Send;
}

/// Answers every request until `end`, and gives what it came to.
pub fn serve<T>(listener: TcpListener, answers: impl Answers, end: impl Future<Output = T>) -> io::Result<T> {
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(accept(listener, Arc::new(answers)));
        Ok(end.await)
    })
}

async fn accept(listener: tokio::net::TcpListener, answers: Arc<impl Answers>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // too many files are open, say: some will be closed
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        let answers = Arc::clone(&answers);
        let service = service_fn(move |request| {
            let answers = Arc::clone(&answers);
            async move { Ok::<_, Infallible>(answers.answer(request).await) }
        });
        // a browser that went away does not concern the others
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// An answer of these parts.
pub fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let head = Response::builder().status(status);
    let head = headers.iter().fold(head, |head, &(name, value)| head.header(name, value));
    head.body(Full::new(body.into())).expect("statuses and headers here are valid")
}
