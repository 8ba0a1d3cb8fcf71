from django.db import migrations, models

KINDS = [("asking", "asking prices"), ("paid", "paid prices")]
CURRENCIES = ["USD", "EUR", "GBP", "PLN", "CHF", "JPY", "INR", "ILS", "CAD", "AUD"]


def of_version(name, field):
    return migrations.AddField("modelversion", name, field)


def of_prediction(name, title):
    return migrations.AlterField("prediction", name, models.FloatField(title, null=True))


class Migration(migrations.Migration):
    """What a version's prices are; those registered before are of the project's own table."""

    dependencies = [("predictor", "0002_modelversion_card")]

    operations = [
        of_version("currency", models.CharField("currency", max_length=3, default="USD")),
        of_version(
            "price_year", models.PositiveSmallIntegerField("year of the prices", default=2008)
        ),
        of_version(
            "price_kind",
            models.CharField("kind of prices", max_length=6, choices=KINDS, default="asking"),
        ),
        of_version(
            "price_source",
            models.CharField(
                "source of the prices", max_length=300, default="the diamonds table of ggplot2"
            ),
        ),
        migrations.AddConstraint(
            "modelversion",
            models.CheckConstraint(
                condition=models.Q(currency__in=CURRENCIES, price_kind__in=["asking", "paid"]),
                name="version_of_a_known_basis",
            ),
        ),
        of_prediction("price", "price"),
        of_prediction("low", "range from"),
        of_prediction("high", "range to"),
    ]
