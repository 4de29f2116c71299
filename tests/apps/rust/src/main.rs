use std::env;
use tiny_http::{Response, Server};

fn main() {
    let address = format!("{}:{}", env::var("HOST").unwrap_or("0.0.0.0".into()), env::var("PORT").unwrap_or("8080".into()));
    let server = Server::http(&address).expect("the port is free");
    for request in server.incoming_requests() {
        let _ = request.respond(Response::from_string("hello from rust\n"));
    }
}
