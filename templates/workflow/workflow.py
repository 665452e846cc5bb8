"""The workflow: what the first app finds, the second one paints. `python workflow.py` publishes it."""

import sys

from fal.api.client import SyncServerlessClient
from fal.toolkit import Image
from fal.workflows import Workflow, create_workflow
from openapi_fal_rest.api.workflows import update_workflow
from openapi_fal_rest.models.typed_workflow_update import TypedWorkflowUpdate
from pydantic import BaseModel, Field

# In the cloud, your user name.
OWNER = "local"
NAME = "workflow"
TITLE = "A card of a text's keywords"


class Input(BaseModel):
    text: str = Field(description="The text.", examples=["A lighthouse is a tower with a lamp."])


class Output(BaseModel):
    words: list[str] = Field(description="The keywords.")
    image: Image = Field(description="A picture of them.")


def make_workflow() -> Workflow:
    workflow = create_workflow(NAME, Input, Output)
    # Nothing runs yet: these are references to what the input and the steps will have. Steps that don't need each other
    # run at the same time.
    found = workflow.run(f"{OWNER}/{NAME}-keywords", {"text": workflow.input.text, "count": 3})
    card = workflow.run(f"{OWNER}/{NAME}-card", {"lines": found.words, "width": 320})
    workflow.set_output({"words": found.words, "image": card.image})
    return workflow


def publish(workflow: Workflow) -> None:
    try:
        workflow.publish(TITLE, is_public=False)
    except RuntimeError:
        # There is one of this name, which gets the new steps.
        update = TypedWorkflowUpdate.from_dict({"title": TITLE, "contents": workflow.to_json(), "is_public": False})
        client = SyncServerlessClient()._create_rest_client()
        if update_workflow.sync(OWNER, NAME, client=client, json_body=update) is None:
            sys.exit(f"The workflow {OWNER}/{NAME} could not be published.")
    print(f"Published workflows/{OWNER}/{NAME}")


if __name__ == "__main__":
    publish(make_workflow())
