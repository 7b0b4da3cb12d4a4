//! What requests look like: methods, where the parameters are, and bodies.

use serde_json::{Map, Value, json};

use crate::answer::Errcode;
use crate::cloud::method::CloudMethod;
use crate::cloud::request;
use crate::parameter::Described;
use crate::paths::{PathMethod, WeChatPath};
use crate::routes::parameters::{PathParameters, parameters_of};

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data";

/// A method of a path.
pub(super) struct Operation {
    /// In lower case, as OpenAPI has it.
    pub(super) verb: &'static str,
    pub(super) description: String,
    pub(super) needs_token: bool,
    /// The parameters of the query.
    pub(super) query: Vec<Value>,
    pub(super) body: Option<Value>,
    pub(super) errcodes: Vec<Errcode>,
}

/// The methods of a path of the real servers.
pub(super) fn operations(path: WeChatPath) -> Vec<Operation> {
    let Some(parameters) = parameters_of(path) else { return vec![cloud_call()] };
    let get = || with_query(&parameters);
    let post = |types: &[&str]| with_body(path, &parameters, types);
    match path.method() {
        PathMethod::Get => vec![get()],
        PathMethod::GetOrForm => vec![get(), post(&[FORM])],
        PathMethod::GetOrJson => vec![get(), post(&[JSON])],
        PathMethod::Post => vec![post(&[JSON])],
        PathMethod::PostAny => vec![post(&[JSON, FORM])],
    }
}

fn with_query(parameters: &PathParameters) -> Operation {
    Operation {
        verb: "get",
        description: "A body is ignored.".to_owned(),
        needs_token: parameters.needs_token,
        query: parameters.list.iter().map(query_parameter).collect(),
        body: None,
        errcodes: errcodes(parameters, &[]),
    }
}

fn with_body(path: WeChatPath, parameters: &PathParameters, types: &[&str]) -> Operation {
    let (description, of_body): (_, &[Errcode]) = match path.method() {
        PathMethod::Post => (
            "The body is parsed as JSON, whatever its type. It may have 1 MiB.",
            &[Errcode::EMPTY_BODY, Errcode::NOT_JSON, Errcode::TOO_LARGE],
        ),
        PathMethod::GetOrForm => (
            "The parameters may also be in the query, which takes precedence. The body may have 1 MiB.",
            &[Errcode::TOO_LARGE],
        ),
        PathMethod::Get | PathMethod::GetOrJson | PathMethod::PostAny => (
            "The parameters may also be in the query, which takes precedence. The body is parsed whatever its type. It may have 1 MiB.",
            &[Errcode::NOT_JSON, Errcode::TOO_LARGE],
        ),
    };
    let schema = object_schema(&parameters.list);
    let media_type = json!({"schema": schema, "example": example(&parameters.list)});
    Operation {
        verb: "post",
        description: description.to_owned(),
        needs_token: parameters.needs_token,
        query: Vec::new(),
        body: Some(json!({
            "required": true,
            "content": types.iter().map(|name| ((*name).to_owned(), media_type.clone())).collect::<Map<_, _>>(),
        })),
        errcodes: errcodes(parameters, of_body),
    }
}

fn query_parameter(parameter: &Described) -> Value {
    json!({
        "name": parameter.name, "in": "query", "required": parameter.is_required(),
        "description": parameter.text(), "schema": parameter.schema(), "example": parameter.example(),
    })
}

fn object_schema(members: &[Described]) -> Value {
    let property = |member: &Described| {
        let mut schema = member.schema();
        schema["description"] = member.text().into();
        (member.name.to_owned(), schema)
    };
    let required: Vec<_> =
        members.iter().filter(|member| member.is_required()).map(|member| member.name).collect();
    json!({"type": "object", "properties": members.iter().map(property).collect::<Map<_, _>>(), "required": required})
}

fn example(members: &[Described]) -> Value {
    members.iter().map(|member| (member.name.to_owned(), member.example())).collect::<Map<_, _>>().into()
}

fn errcodes(parameters: &PathParameters, of_body: &[Errcode]) -> Vec<Errcode> {
    let of_token: &[Errcode] = if parameters.needs_token {
        &[Errcode::TOKEN_MISSING, Errcode::INVALID_TOKEN, Errcode::TOKEN_EXPIRED]
    } else {
        &[]
    };
    let of_parameters = parameters.list.iter().flat_map(Described::errcodes);
    of_token.iter().chain(of_body).copied().chain(of_parameters).chain([Errcode::SYSTEM]).collect()
}

/// A call of a cloud function. It has no errcodes: they are inside the text of the answer.
fn cloud_call() -> Operation {
    let members = request::members();
    let mut in_json = object_schema(&members);
    in_json["properties"]["apiName"]["enum"] = CloudMethod::ALL.iter().map(|method| method.name()).collect();
    let mut in_parts = in_json.clone();
    in_parts["properties"]["requestData"] = json!({
        "type": "string", "format": "binary",
        "description": "The method's arguments as Protocol Buffers: the message CommApiData of wx-server-sdk.",
    });
    Operation {
        verb: "post",
        description: "Cloud functions call this path by their SDK: `@cloudbase/node-sdk` with JSON (`callWxOpenApi`), `wx-server-sdk` with a form of several parts, whose arguments and answer are Protocol Buffers.".to_owned(),
        needs_token: false,
        query: Vec::new(),
        body: Some(json!({"required": true, "content": {
            JSON: {"schema": in_json, "example": example(&members)},
            PARTS: {"schema": in_parts},
        }})),
        errcodes: Vec::new(),
    }
}
