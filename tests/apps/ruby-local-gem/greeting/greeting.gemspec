Gem::Specification.new do |gem|
  gem.name = "greeting"
  gem.version = "1.0"
  gem.summary = "Words for a page"
  gem.authors = ["rw"]
  gem.files = ["lib/greeting.rb"]
end
