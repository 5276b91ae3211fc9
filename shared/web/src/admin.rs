//! Authentication of administrators.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use base::Base;
use domain::{AdminToken, Code};
use http::request::Parts;
use lambda_http::request::RequestContext as GatewayContext;

use crate::ApiError;
use crate::extract::bearer;

/// The caller is an administrator: either IAM authorized the call, as API Gateway's request context says, or the caller
/// holds the token that the local server printed.
///
/// A caller cannot set the request context; a header with the same content is ignored. If a template lacks the
/// authorizer, the route stays closed, because the context then has no caller.
#[derive(Debug, Clone, Copy)]
pub struct Admin(());

impl<S: Sync> FromRequestParts<S> for Admin
where
    Arc<Base>: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let by_iam = parts.extensions.get::<GatewayContext>().is_some_and(is_authorized_by_iam);
        let base = Arc::<Base>::from_ref(state);
        let by_token = || {
            let presented = bearer(&parts.headers).map(AdminToken::presented);
            base.admin.as_ref().is_some_and(|admin| presented.is_some_and(|presented| presented.hash() == *admin))
        };
        if by_iam || by_token() { Ok(Self(())) } else { Err(Code::InvalidToken.into()) }
    }
}

/// Whether the route's authorizer was `AWS_IAM`: only then does API Gateway set the caller's ARN.
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html>,
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-mapping-template-reference.html>
fn is_authorized_by_iam(context: &GatewayContext) -> bool {
    let arn = match context {
        GatewayContext::ApiGatewayV2(context) => {
            let iam = context.authorizer.as_ref().and_then(|authorizer| authorizer.iam.as_ref());
            iam.and_then(|iam| iam.user_arn.as_deref())
        }
        GatewayContext::ApiGatewayV1(context) => context.identity.user_arn.as_deref(),
        _ => None,
    };
    arn.is_some_and(|arn| arn.starts_with("arn:"))
}
