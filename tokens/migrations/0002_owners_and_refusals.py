import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('tokens', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='scimtoken',
            name='owner_label',
            field=models.CharField(blank=True, help_text='Whose token it is, also when they are gone; empty for the workspace.', max_length=254),
        ),
        migrations.AddField(
            model_name='scimtoken',
            name='refused_at',
            field=models.DateTimeField(help_text='When a refused use was last written into the audit log.', null=True),
        ),
        migrations.AlterField(
            model_name='scimtoken',
            name='owner',
            field=models.ForeignKey(help_text='Who it stops with; empty for the workspace, and when they are gone.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_tokens', to='workspaces.membership'),
        ),
    ]
