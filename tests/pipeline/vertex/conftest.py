import pytest

from pipeline.vertex.cloud import Cloud
from pipeline.vertex.settings import VertexConfig
from tests.google_stand_in import serving

PROJECT, REGION = "my-project-123", "us-central1"


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("buckets")) as google:
        yield google


@pytest.fixture
def google(stand_ins):
    stand_ins.reset()
    return stand_ins


@pytest.fixture
def cloud(google):
    return Cloud(PROJECT, REGION, google.endpoints)


@pytest.fixture
def vertex():
    return VertexConfig(
        project=PROJECT,
        region=REGION,
        image="us-central1-docker.pkg.dev/my-project-123/music-genre/pipeline:1",
        service_account="runner@my-project-123.iam.gserviceaccount.com",
    )
