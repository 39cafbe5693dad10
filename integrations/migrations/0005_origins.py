from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('integrations', '0004_portal'),
    ]

    operations = [
        migrations.AddField(
            model_name='serviceaccount',
            name='origins',
            field=models.JSONField(default=list, help_text='Where the secret may be sent: addresses entered together with it.'),
        ),
    ]
