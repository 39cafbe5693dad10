# What a new Redmine holds before the tests: run by `rails runner` in install.sh.
require "redmine/default_data/loader"

Redmine::DefaultData::Loader.load("en")
Setting.rest_api_enabled = "1"

admin = User.find_by_login("admin")
admin.password = "pass-of-redmine-1" # as in fixtures.py
admin.must_change_passwd = false
admin.language = "en"
admin.save!

%w[Editors Viewers].each { |name| Group.create!(name: name) }

[["website", "Website"], ["intranet", "Intranet"]].each do |identifier, name|
  Project.create!(identifier: identifier, name: name, is_public: false)
end
