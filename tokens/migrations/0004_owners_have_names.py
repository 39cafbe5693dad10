from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0003_name_the_owners'),
    ]

    operations = [
        migrations.AddConstraint(
            model_name='scimtoken',
            constraint=models.CheckConstraint(condition=models.Q(('owner', None), models.Q(('owner_label', ''), _negated=True), _connector='OR'), name='token_owner_has_name'),
        ),
    ]
