use async_trait::async_trait;
use domain::{Code, ConnectorId, FieldProblem, Text};
use journeys::{
    Ending, Flow, OptionView, Output, Shape, Step, StepCx, StepError, StepType, StepView, SubmitRequest, ViewCx,
};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const TYPE: StepType = StepType::of::<ChooseProvider>("choose_provider");

/// Lets the user choose a connector: one of its connectors that is enabled and that the application offers. Sets the
/// chosen id as `connector`.
///
/// If the application sent an `idp_hint`, the user is not asked the first time.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Settings")]
struct ChooseProvider {
    connectors: Vec<ConnectorId>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The connectors, in the order of the buttons.
    connectors: Vec<ConnectorId>,
}

impl TryFrom<Settings> for ChooseProvider {
    type Error = String;

    fn try_from(Settings { connectors }: Settings) -> Result<Self, String> {
        if connectors.is_empty() {
            return Err("there are no connectors: name at least one".into());
        }
        for (index, connector) in connectors.iter().enumerate() {
            if connectors[..index].contains(connector) {
                return Err(format!("the connector {connector} is listed twice"));
            }
        }
        Ok(Self { connectors })
    }
}

/// A connector to choose.
struct Offer {
    id: ConnectorId,
    name: String,
    /// What its button says.
    label: String,
}

const HEADING: &str = "choose_provider.heading";

#[async_trait]
impl Step for ChooseProvider {
    fn shape(&self) -> Shape {
        let connector = Output { name: "connector".into(), secret: false };
        Shape {
            endings: vec![
                Ending::new("chosen").with_outputs(vec![connector]),
                Ending::new("cancelled"),
                Ending::new("unavailable").at_once(),
            ],
            connectors: self.connectors.clone(),
            client_facing: true,
            ..Shape::default()
        }
    }

    async fn enter(&self, cx: &mut StepCx<'_>) -> Result<Flow, StepError> {
        let offered = self.offered(&cx.look()).await?;
        if offered.is_empty() {
            cx.session().fail(Code::ProviderUnavailable);
            return Ok(Flow::Done("unavailable"));
        }
        let hinted = cx.session().take_idp_hint();
        match offered.iter().find(|offer| Some(offer.id.as_str()) == hinted.as_deref()) {
            Some(offer) => Ok(chosen(cx, &offer.id)),
            None => Ok(Flow::Ask),
        }
    }

    async fn submit(&self, cx: &mut StepCx<'_>, response: &SubmitRequest) -> Result<Flow, StepError> {
        match response.option.as_str() {
            "submit" => {}
            "cancel" => return Ok(cx.session().cancelled()),
            _ => return Ok(Flow::unknown_option()),
        }
        if let Some(unknown) = response.data.keys().find(|name| *name != "connector") {
            return Ok(Flow::invalid(unknown, FieldProblem::Unknown));
        }
        let Some(wanted) = response.data.get("connector") else {
            return Ok(Flow::invalid("connector", FieldProblem::Required));
        };
        let offered = self.offered(&cx.look()).await?;
        match offered.iter().find(|offer| offer.id.as_str() == wanted.expose_secret()) {
            Some(offer) => Ok(chosen(cx, &offer.id)),
            None => Ok(Flow::invalid("connector", FieldProblem::Unknown)),
        }
    }

    async fn view(&self, cx: &ViewCx<'_>) -> Result<StepView, StepError> {
        let button = |Offer { id, name, label }: &Offer| {
            let text = json!({ "id": format!("choose_provider.{id}"), "text": label });
            json!({ "connector": id, "name": name, "label": text })
        };
        let offered = self.offered(cx).await?;
        let providers: Vec<Value> = offered.iter().map(button).collect();
        Ok(StepView {
            kind: TYPE.name,
            data: json!({ "heading": Text::find(HEADING), "providers": providers }),
            options: vec![OptionView::SUBMIT, OptionView::CANCEL],
        })
    }
}

impl ChooseProvider {
    /// The connectors to choose from.
    async fn offered(&self, cx: &ViewCx<'_>) -> Result<Vec<Offer>, StepError> {
        let client = cx.client().await?;
        let mut offered = Vec::new();
        for id in &self.connectors {
            if client.as_ref().is_some_and(|client| client.offers(id))
                && let Some(connector) = cx.connector(id).await?
            {
                let document = &connector.document;
                offered.push(Offer { id: id.clone(), name: document.name.clone(), label: document.label() });
            }
        }
        Ok(offered)
    }
}

fn chosen(cx: &mut StepCx<'_>, connector: &ConnectorId) -> Flow {
    cx.values().set("connector", connector.as_str());
    Flow::Done("chosen")
}
